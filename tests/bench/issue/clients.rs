//! The three clients, each with what it keeps in a directory of its own.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Plan,
    support::{dns::PowerDns, issuing::Issuing},
};

/// How a name is proved.
pub(crate) enum Way<'a> {
    /// By a record on PowerDNS, in this zone.
    Dns { server: &'a PowerDns, zone: &'a str },
    /// By a web server that is there already.
    Http { root: &'a Path },
}

/// The variables of the program under test: settings, accounts and state of its own, and no network but the testbed's.
pub(crate) fn ours(program: &Path, it: &Issuing) -> Command {
    let mut command = Command::new(program);
    for (name, directory) in [
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_STATE_HOME", "state"),
        ("XDG_CACHE_HOME", "cache"),
    ] {
        command.env(name, it.kept(directory));
    }
    command
}

/// Which CA, and what its certificates reach.
pub(crate) fn with_ca(mut command: Command, it: &Issuing) -> Command {
    command.args(["--directory-url", &it.pebble.directory_url(), "--directory-ca-file"]);
    command.arg(it.pebble.ca_file()).args(["--agree-tos", "--yes"]);
    command
}

/// With what else an issuance takes.
pub(crate) fn with_roots(command: Command, it: &Issuing) -> Command {
    let mut command = with_ca(command, it);
    command.arg("--ca-file").arg(it.pebble.root_file());
    command.args(["--resolver", &it.resolver.ip().to_string()]);
    command
}

/// `issue` for a host by DNS-01 into a manifest, without a cluster.
pub(crate) fn ours_by_dns(plan: &Plan, it: &Issuing, host: &str, scratch: &Path, server: &PowerDns) -> Command {
    let (site, out) = (scratch.join("site.yaml"), scratch.join("out"));
    fs::create_dir_all(&out).unwrap();
    fs::write(
        &site,
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: web, namespace: shop}}\nspec:\n  \
             tls: [{{hosts: [{host}], secretName: web-tls}}]\n  rules: [{{host: {host}}}]\n"
        ),
    )
    .unwrap();
    let mut command = ours(&plan.program, it);
    command.args([
        "issue", "--secret", "web-tls", "-n", "shop", "-d", host, "--dns", "powerdns",
    ]);
    command.arg("-f").arg(site).arg("-o").arg(out).args(["--wait", "0"]);
    command.env("PDNS_API_KEY", server.api_key());
    with_roots(command, it)
}

/// lego as it comes: `run` for one host.
pub(crate) fn lego(program: &Path, it: &Issuing, host: &str, scratch: &Path, way: &Way<'_>) -> Command {
    let mut command = Command::new(program);
    command.env("LEGO_CA_CERTIFICATES", it.pebble.ca_file());
    command.args([
        "--server",
        &it.pebble.directory_url(),
        "--accept-tos",
        "--email",
        "ops@shop.example",
    ]);
    command.arg("--path").arg(scratch.join("lego")).args(["-d", host]);
    match way {
        Way::Dns { server, .. } => {
            command
                .env("PDNS_API_URL", server.api_url())
                .env("PDNS_API_KEY", server.api_key());
            command.args(["--dns", "pdns", "--dns.resolvers", &it.resolver.address()]);
        }
        Way::Http { root } => {
            command.args(["--http", "--http.webroot"]).arg(root);
        }
    }
    command.arg("run");
    command
}

/// certbot as it comes: `certonly` for one host, with hooks that call PowerDNS's API by curl.
pub(crate) fn certbot(program: &Path, it: &Issuing, host: &str, scratch: &Path, way: &Way<'_>) -> Command {
    let mut command = Command::new(program);
    command.env("REQUESTS_CA_BUNDLE", it.pebble.ca_file());
    command.args(["certonly", "-n", "--agree-tos", "--register-unsafely-without-email"]);
    command.args(["--server", &it.pebble.directory_url(), "-d", host]);
    for (flag, directory) in [
        ("--config-dir", "config"),
        ("--work-dir", "work"),
        ("--logs-dir", "logs"),
    ] {
        command.arg(flag).arg(scratch.join("certbot").join(directory));
    }
    match way {
        Way::Dns { server, zone } => {
            command
                .env("PDNS_API_KEY", server.api_key())
                .args(["--manual", "--preferred-challenges", "dns"]);
            let (add, remove) = hooks(scratch, server, zone);
            command
                .arg("--manual-auth-hook")
                .arg(add)
                .arg("--manual-cleanup-hook")
                .arg(remove);
        }
        Way::Http { root } => {
            command.args(["--webroot", "--webroot-path"]).arg(root);
        }
    }
    command
}

fn hooks(scratch: &Path, server: &PowerDns, zone: &str) -> (PathBuf, PathBuf) {
    let url = format!("{}/api/v1/servers/localhost/zones/{zone}.", server.api_url());
    let hook = |name: &str, change: &str| {
        let file = scratch.join(name);
        let text = format!(
            "#!/bin/sh\nexec curl -sS --fail -X PATCH -H \"X-API-Key: $PDNS_API_KEY\" -H 'Content-Type: application/json' \
             -d \"{{\\\"rrsets\\\":[{{\\\"name\\\":\\\"_acme-challenge.$CERTBOT_DOMAIN.\\\",\\\"type\\\":\\\"TXT\\\",\\\"ttl\\\":1,{change}}}]}}\" \
             {url}\n"
        );
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file
    };
    (
        hook(
            "add",
            r#"\"changetype\":\"REPLACE\",\"records\":[{\"content\":\"\\\"$CERTBOT_VALIDATION\\\"\",\"disabled\":false}]"#,
        ),
        hook("remove", r#"\"changetype\":\"DELETE\""#),
    )
}
