-- Certificates by server name, from the certificate source of kubectl-certs.
--
-- For OpenResty, and for nginx with the Lua module (Debian: libnginx-mod-http-lua). It needs ngx.ssl and resty.lrucache,
-- which both have (lua-resty-core, lua-resty-lrucache), and nothing else. nginx.conf beside it shows how it is used.
--
-- A certificate that was got is used for a minute without asking, and for a day while the source does not answer.

local ssl = require "ngx.ssl"
local lrucache = require "resty.lrucache"

local _M = {}

-- How long what was got is used without asking, in seconds: a certificate, a host that is nobody's, and one that has no
-- certificate yet.
local FRESH, UNKNOWN, NOT_YET = 60, 10, 2
-- How long a certificate is used while the source does not answer.
local STALE = 86400
-- The largest answer, in bytes.
local LARGEST = 65536

local settings
local parsed

-- host, port: where the source is. name: the name in its certificate, if it is another one. token: the file with the token of
-- the ServiceAccount. dict: the lua_shared_dict. wait: how long a new certificate is waited for, in seconds.
function _M.setup(given)
  settings = {
    host = given.host,
    port = given.port or 9403,
    name = given.name or given.host,
    token = given.token,
    dict = given.dict or "kubectl_certs",
    wait = given.wait or 30,
  }
  -- Parsed certificates cannot be shared, so that each worker has its own.
  parsed = assert(lrucache.new(given.parsed or 2000))
end

-- A projected token is replaced in time; it is read again every half minute.
local token, read_at
local function bearer()
  if not settings.token then
    return nil
  end
  if not token or ngx.now() - read_at > 30 then
    local file, err = io.open(settings.token)
    if not file then
      return token, err
    end
    token = file:read("*l")
    file:close()
    read_at = ngx.now()
  end
  return token
end

-- One request. Returns the status and the body, or nil, why, and whether a connection that was kept has gone meanwhile.
local function ask(host)
  local sock = ngx.socket.tcp()
  sock:settimeouts(2000, 5000, settings.wait * 1000)
  local ok, err = sock:connect(settings.host, settings.port, { pool = "kubectl-certs" })
  if not ok then
    return nil, "connect: " .. (err or "")
  end
  local is_reused = (sock:getreusedtimes() or 0) > 0
  if not is_reused then
    ok, err = sock:sslhandshake(nil, settings.name, true)
    if not ok then
      sock:close()
      return nil, "TLS: " .. (err or "")
    end
  end
  local head = {
    "GET /v1/certificate?server_name=" .. ngx.escape_uri(host) .. " HTTP/1.1",
    "Host: " .. settings.name,
  }
  local bearer_token, why = bearer()
  if bearer_token then
    head[#head + 1] = "Authorization: Bearer " .. bearer_token
  elseif why then
    sock:close()
    return nil, why
  end
  head[#head + 1] = "\r\n"
  local sent
  sent, err = sock:send(table.concat(head, "\r\n"))
  local line
  if sent then
    line, err = sock:receive("*l")
  end
  local status = line and tonumber(line:match("^HTTP/1%.1 (%d%d%d)"))
  if not status then
    sock:close()
    return nil, "answer: " .. (err or "not HTTP"), is_reused and err == "closed"
  end
  local length, closes = 0, false
  while true do
    line, err = sock:receive("*l")
    if not line then
      sock:close()
      return nil, "head: " .. (err or "")
    end
    if line == "" then
      break
    end
    local name, value = line:lower():match("^([^:]+):%s*(.-)%s*$")
    if name == "content-length" then
      length = tonumber(value) or LARGEST + 1
    elseif name == "connection" and value == "close" then
      closes = true
    end
  end
  if length > LARGEST then
    sock:close()
    return nil, "the answer is too large"
  end
  local body = ""
  if length > 0 and status ~= 204 then
    body, err = sock:receive(length)
    if not body then
      sock:close()
      return nil, "body: " .. (err or "")
    end
  end
  if closes then
    sock:close()
  else
    sock:setkeepalive(60000, 32)
  end
  return status, body
end

-- The chain and the key of a host in PEM; nil and why if there are none.
local function pem_of(host)
  local dict = ngx.shared[settings.dict]
  local kept = dict:get(host)
  if kept then
    if kept == "" then
      return nil, "there is no certificate for it"
    end
    return kept
  end
  local status, body, has_gone = ask(host)
  if not status and has_gone then
    status, body = ask(host)
  end
  if status == 200 then
    dict:set(host, body, FRESH)
    dict:set("last:" .. host, body, STALE)
    return body
  end
  if status == 204 or status == 400 then
    dict:delete("last:" .. host)
    dict:set(host, "", UNKNOWN)
    return nil, "the source answers " .. status
  end
  local last = dict:get("last:" .. host)
  if last then
    dict:set(host, last, NOT_YET)
    return last
  end
  dict:set(host, "", NOT_YET)
  return nil, status and "the source answers " .. status or body
end

-- Sets the certificate of the server name that the client asks for. Without one, the handshake ends: the certificate of
-- another host would only hide why.
function _M.serve()
  local host = ssl.server_name()
  if not host then
    return
  end
  host = host:lower()
  local pem, why = pem_of(host)
  if not pem then
    ngx.log(ngx.NOTICE, "no certificate for ", host, ": ", why)
    return ngx.exit(ngx.ERROR)
  end
  local pair = parsed:get(host)
  if not pair or pair.pem ~= pem then
    local chain, err = ssl.parse_pem_cert(pem)
    local key
    if chain then
      key, err = ssl.parse_pem_priv_key(pem)
    end
    if not key then
      ngx.log(ngx.ERR, "the certificate of ", host, " cannot be read: ", err)
      return ngx.exit(ngx.ERROR)
    end
    pair = { pem = pem, chain = chain, key = key }
    parsed:set(host, pair)
  end
  local ok, err = ssl.clear_certs()
  if ok then
    ok, err = ssl.set_cert(pair.chain)
  end
  if ok then
    ok, err = ssl.set_priv_key(pair.key)
  end
  if not ok then
    ngx.log(ngx.ERR, "the certificate of ", host, " cannot be set: ", err)
    return ngx.exit(ngx.ERROR)
  end
end

return _M
