//! The providers of the dns-update crate, and the settings of each.

use std::{collections::HashMap, str::FromStr};

use dns_update::{
    DnsUpdater as D,
    providers::{
        azuredns::{AzureDnsConfig, AzureEnvironment},
        bluecatv2::BluecatV2Config,
        edgedns::EdgeDnsConfig,
        google_cloud_dns::GoogleCloudDnsConfig,
        infoblox::InfobloxConfig,
        joker::JokerAuth,
        lightsail::LightsailConfig,
        oraclecloud::OracleCloudConfig,
        ovh::OvhEndpoint,
        route53::Route53Config,
        volcengine::VolcengineConfig,
        yandexcloud::YandexCloudConfig,
    },
};

use super::spec::{Field, Holds, ProviderSpec, Writes, document, flag, number, one_of, secret, text};

/// The provider with this word.
pub fn find(word: &str) -> Option<&'static ProviderSpec> {
    ALL.iter().find(|spec| spec.word == word)
}

/// A provider whose changes are serialized by name. That applies if the crate changes single records or record sets. If
/// it writes more, or if that is not known, changes are serialized by zone: too much care costs a second, too little a
/// record.
const fn by_name(
    word: &'static str,
    label: &'static str,
    fields: &'static [Field],
    make: fn(&super::spec::Given, Option<std::time::Duration>) -> dns_update::Result<D>,
) -> ProviderSpec {
    ProviderSpec {
        word,
        label,
        fields,
        writes: Writes::ByName,
        holds: Holds::Many,
        make,
    }
}

const fn by_zone(
    word: &'static str,
    label: &'static str,
    fields: &'static [Field],
    make: fn(&super::spec::Given, Option<std::time::Duration>) -> dns_update::Result<D>,
) -> ProviderSpec {
    ProviderSpec {
        word,
        label,
        fields,
        writes: Writes::ByZone,
        holds: Holds::Many,
        make,
    }
}

/// A provider that supports one TXT value for each name.
const fn single(
    word: &'static str,
    label: &'static str,
    fields: &'static [Field],
    make: fn(&super::spec::Given, Option<std::time::Duration>) -> dns_update::Result<D>,
) -> ProviderSpec {
    ProviderSpec {
        word,
        label,
        fields,
        writes: Writes::ByZone,
        holds: Holds::One,
        make,
    }
}

const TOKEN: &[Field] = &[secret("apiToken")];
const KEY: &[Field] = &[secret("apiKey")];
const KEY_AND_SECRET: &[Field] = &[secret("apiKey"), secret("apiSecret")];
const USER_AND_KEY: &[Field] = &[text("username"), secret("apiKey")];
const USER_AND_PASSWORD: &[Field] = &[text("username"), secret("password")];
const ACCESS: &[Field] = &[text("accessKeyId"), secret("secretAccessKey")];

/// All providers in alphabetical order.
pub static ALL: &[ProviderSpec] = &[
    by_zone(
        "alidns",
        "Alibaba Cloud DNS",
        &[
            text("accessKeyId"),
            secret("secretAccessKey"),
            text("region").optional(),
            secret("securityToken").optional(),
            text("line").optional(),
        ],
        |g, t| {
            D::new_alidns(
                g.text("accessKeyId"),
                g.text("secretAccessKey"),
                g.maybe("region"),
                g.maybe("securityToken"),
                g.maybe("line"),
                t,
            )
        },
    ),
    by_zone("arvancloud", "ArvanCloud", KEY, |g, t| {
        D::new_arvancloud(g.text("apiKey"), t)
    }),
    by_zone(
        "autodns",
        "InterNetX AutoDNS",
        &[text("username"), secret("password"), number("context").optional()],
        |g, t| {
            let context = g.maybe("context").and_then(|c| c.parse().ok());
            D::new_autodns(g.text("username"), g.text("password"), context, t)
        },
    ),
    by_name(
        "azure",
        "Azure DNS",
        &[
            text("tenantId"),
            text("clientId"),
            secret("clientSecret"),
            text("subscriptionId"),
            text("resourceGroup"),
            one_of("environment", &["public", "china", "usgovernment"]).optional(),
        ],
        |g, t| {
            D::new_azuredns(AzureDnsConfig {
                tenant_id: g.own("tenantId"),
                client_id: g.own("clientId"),
                client_secret: g.own("clientSecret"),
                subscription_id: g.own("subscriptionId"),
                resource_group: g.own("resourceGroup"),
                environment: AzureEnvironment::from_str_lossy(g.text("environment")),
                request_timeout: t,
            })
        },
    ),
    by_zone("baiducloud", "Baidu Cloud DNS", ACCESS, |g, t| {
        D::new_baiducloud(g.text("accessKeyId"), g.text("secretAccessKey"), t)
    }),
    by_zone(
        "bluecat",
        "BlueCat Address Manager v2",
        &[
            text("url"),
            text("username"),
            secret("password"),
            text("configuration"),
            text("view"),
            flag("skipDeploy"),
        ],
        |g, t| {
            D::new_bluecatv2(BluecatV2Config {
                server_url: g.own("url"),
                username: g.own("username"),
                password: g.own("password"),
                config_name: g.own("configuration"),
                view_name: g.own("view"),
                skip_deploy: g.flag("skipDeploy"),
                request_timeout: t,
            })
        },
    ),
    by_name("bunny", "Bunny DNS", KEY, |g, t| D::new_bunny(g.text("apiKey"), t)),
    by_name("cloudflare", "Cloudflare", TOKEN, |g, t| {
        D::new_cloudflare(g.text("apiToken"), t)
    }),
    by_zone(
        "cloudns",
        "ClouDNS",
        &[
            text("authId").optional(),
            text("subAuthId").optional(),
            secret("authPassword"),
        ],
        |g, t| D::new_cloudns(g.maybe("authId"), g.maybe("subAuthId"), g.text("authPassword"), t),
    ),
    by_zone("constellix", "Constellix", KEY_AND_SECRET, |g, t| {
        D::new_constellix(g.text("apiKey"), g.text("apiSecret"), t)
    }),
    by_zone(
        "cpanel",
        "cPanel",
        &[text("url"), text("username"), secret("apiToken")],
        |g, t| D::new_cpanel(g.text("url"), g.text("username"), g.text("apiToken"), t),
    ),
    single("ddnss", "DDNSS.de", KEY, |g, t| D::new_ddnss(g.text("apiKey"), t)),
    by_zone("desec", "deSEC", TOKEN, |g, t| D::new_desec(g.text("apiToken"), t)),
    by_name("digitalocean", "DigitalOcean", TOKEN, |g, t| {
        D::new_digitalocean(g.text("apiToken"), t)
    }),
    by_name(
        "dnsimple",
        "DNSimple",
        &[secret("apiToken"), text("accountId")],
        |g, t| D::new_dnsimple(g.text("apiToken"), g.text("accountId"), t),
    ),
    by_zone("dnsmadeeasy", "DNS Made Easy", KEY_AND_SECRET, |g, t| {
        D::new_dnsmadeeasy(g.text("apiKey"), g.text("apiSecret"), t)
    }),
    by_zone(
        "domeneshop",
        "Domeneshop",
        &[text("apiToken"), secret("apiSecret")],
        |g, t| D::new_domeneshop(g.text("apiToken"), g.text("apiSecret"), t),
    ),
    by_zone("dreamhost", "DreamHost", KEY, |g, t| {
        D::new_dreamhost(g.text("apiKey"), t)
    }),
    single("duckdns", "DuckDNS", TOKEN, |g, t| {
        D::new_duckdns(g.text("apiToken"), t)
    }),
    by_zone("dynu", "Dynu", KEY, |g, t| D::new_dynu(g.text("apiKey"), t)),
    by_zone("easydns", "easyDNS", &[text("apiToken"), secret("apiKey")], |g, t| {
        D::new_easydns(g.text("apiToken"), g.text("apiKey"), t)
    }),
    by_zone(
        "edgedns",
        "Akamai Edge DNS",
        &[
            text("host"),
            secret("clientToken"),
            secret("clientSecret"),
            secret("accessToken"),
            text("accountSwitchKey").optional(),
        ],
        |g, t| {
            D::new_edgedns(EdgeDnsConfig {
                host: g.own("host"),
                client_token: g.own("clientToken"),
                client_secret: g.own("clientSecret"),
                access_token: g.own("accessToken"),
                account_switch_key: g.maybe_own("accountSwitchKey"),
                request_timeout: t,
            })
        },
    ),
    by_zone("exoscale", "Exoscale", KEY_AND_SECRET, |g, t| {
        D::new_exoscale(g.text("apiKey"), g.text("apiSecret"), t)
    }),
    single("freemyip", "freemyip.com", TOKEN, |g, t| {
        D::new_freemyip(g.text("apiToken"), t)
    }),
    by_name("gandi", "Gandi LiveDNS", TOKEN, |g, t| {
        D::new_gandiv5(g.text("apiToken"), t)
    }),
    by_name("gcore", "Gcore", TOKEN, |g, t| D::new_gcore(g.text("apiToken"), t)),
    by_zone("glesys", "GleSYS", USER_AND_KEY, |g, t| {
        D::new_glesys(g.text("username"), g.text("apiKey"), t)
    }),
    by_zone("godaddy", "GoDaddy", KEY_AND_SECRET, |g, t| {
        D::new_godaddy(g.text("apiKey"), g.text("apiSecret"), t)
    }),
    by_name(
        "google",
        "Google Cloud DNS",
        &[
            document("serviceAccount"),
            text("project"),
            text("managedZone").optional(),
            flag("privateZone"),
            text("impersonate").optional(),
        ],
        |g, t| {
            D::new_google_cloud_dns(GoogleCloudDnsConfig {
                service_account_json: g.own("serviceAccount"),
                project_id: g.own("project"),
                managed_zone: g.maybe_own("managedZone"),
                private_zone: g.flag("privateZone"),
                impersonate_service_account: g.maybe_own("impersonate"),
                request_timeout: t,
            })
        },
    ),
    by_name("hetzner", "Hetzner DNS", TOKEN, |g, t| {
        D::new_hetzner(g.text("apiToken"), t)
    }),
    by_zone("hostingde", "hosting.de", KEY, |g, t| {
        D::new_hostingde(g.text("apiKey"), t)
    }),
    by_zone("hostinger", "Hostinger", TOKEN, |g, t| {
        D::new_hostinger(g.text("apiToken"), t)
    }),
    by_zone(
        "huaweicloud",
        "Huawei Cloud DNS",
        &[text("accessKeyId"), secret("secretAccessKey"), text("region")],
        |g, t| D::new_huaweicloud(g.text("accessKeyId"), g.text("secretAccessKey"), g.text("region"), t),
    ),
    single(
        "hurricane",
        "Hurricane Electric",
        &[text("record"), secret("key")],
        |g, t| D::new_hurricane(HashMap::from([(g.own("record"), g.own("key"))]), t),
    ),
    by_zone("ibmcloud", "IBM Cloud (SoftLayer)", USER_AND_KEY, |g, t| {
        D::new_ibmcloud(g.text("username"), g.text("apiKey"), t)
    }),
    by_zone(
        "infoblox",
        "Infoblox NIOS",
        &[
            text("host"),
            number("port").optional(),
            text("username"),
            secret("password"),
            text("wapiVersion").optional(),
            text("view").optional(),
        ],
        |g, t| {
            D::new_infoblox(InfobloxConfig {
                host: g.own("host"),
                port: g.maybe_own("port"),
                username: g.own("username"),
                password: g.own("password"),
                wapi_version: g.maybe_own("wapiVersion"),
                dns_view: g.maybe_own("view"),
                request_timeout: t,
            })
        },
    ),
    by_zone("infomaniak", "Infomaniak", TOKEN, |g, t| {
        D::new_infomaniak(g.text("apiToken"), t)
    }),
    by_zone(
        "inwx",
        "INWX",
        &[text("username"), secret("password"), flag("sandbox")],
        |g, t| D::new_inwx(g.text("username"), g.text("password"), g.flag("sandbox"), t),
    ),
    by_zone("ionos", "IONOS", KEY, |g, t| D::new_ionos(g.text("apiKey"), t)),
    by_zone("ipv64", "IPv64", KEY, |g, t| D::new_ipv64(g.text("apiKey"), t)),
    by_zone(
        "joker",
        "Joker",
        &[
            secret("apiKey").optional(),
            text("username").optional(),
            secret("password").optional(),
        ],
        |g, t| {
            let auth = match g.maybe("apiKey") {
                Some(key) => JokerAuth::api_key(key),
                None => JokerAuth::username_password(g.text("username"), g.text("password")),
            };
            D::new_joker(auth, t)
        },
    ),
    by_zone(
        "lightsail",
        "AWS Lightsail",
        &[
            text("accessKeyId"),
            secret("secretAccessKey"),
            secret("sessionToken").optional(),
            text("region").optional(),
            text("domain").optional(),
        ],
        |g, t| {
            D::new_lightsail(LightsailConfig {
                access_key_id: g.own("accessKeyId"),
                secret_access_key: g.own("secretAccessKey"),
                session_token: g.maybe_own("sessionToken"),
                region: g.maybe_own("region"),
                domain: g.maybe_own("domain"),
                request_timeout: t,
            })
        },
    ),
    by_name("linode", "Linode", TOKEN, |g, t| D::new_linode(g.text("apiToken"), t)),
    by_zone("luadns", "LuaDNS", &[text("username"), secret("apiToken")], |g, t| {
        D::new_luadns(g.text("username"), g.text("apiToken"), t)
    }),
    by_zone("mythicbeasts", "Mythic Beasts", USER_AND_PASSWORD, |g, t| {
        D::new_mythicbeasts(g.text("username"), g.text("password"), t)
    }),
    by_zone(
        "namecheap",
        "Namecheap",
        &[
            text("apiUser"),
            secret("apiKey"),
            text("clientIp"),
            text("username").optional(),
        ],
        |g, t| {
            D::new_namecheap(
                g.text("apiUser"),
                g.text("apiKey"),
                g.text("clientIp"),
                g.maybe("username"),
                t,
            )
        },
    ),
    by_zone(
        "namedotcom",
        "Name.com",
        &[text("username"), secret("apiToken")],
        |g, t| D::new_namedotcom(g.text("username"), g.text("apiToken"), t),
    ),
    by_zone("namesilo", "NameSilo", KEY, |g, t| D::new_namesilo(g.text("apiKey"), t)),
    by_zone(
        "netcup",
        "netcup",
        &[text("customerNumber"), secret("apiKey"), secret("apiPassword")],
        |g, t| D::new_netcup(g.text("customerNumber"), g.text("apiKey"), g.text("apiPassword"), t),
    ),
    by_zone("netlify", "Netlify", TOKEN, |g, t| {
        D::new_netlify(g.text("apiToken"), t)
    }),
    by_zone("nifcloud", "Nifcloud DNS", ACCESS, |g, t| {
        D::new_nifcloud(g.text("accessKeyId"), g.text("secretAccessKey"), t)
    }),
    by_name("ns1", "NS1", KEY, |g, t| D::new_ns1(g.text("apiKey"), t)),
    by_zone(
        "oraclecloud",
        "Oracle Cloud DNS",
        &[
            text("tenancyOcid"),
            text("userOcid"),
            text("fingerprint"),
            document("privateKey"),
            secret("privateKeyPassword").optional(),
            text("region"),
            text("compartmentOcid"),
        ],
        |g, t| {
            D::new_oraclecloud(OracleCloudConfig {
                tenancy_ocid: g.own("tenancyOcid"),
                user_ocid: g.own("userOcid"),
                fingerprint: g.own("fingerprint"),
                private_key_pem: g.own("privateKey"),
                private_key_password: g.maybe_own("privateKeyPassword"),
                region: g.own("region"),
                compartment_ocid: g.own("compartmentOcid"),
                request_timeout: t,
            })
        },
    ),
    by_zone(
        "ovh",
        "OVH",
        &[
            text("applicationKey"),
            secret("applicationSecret"),
            secret("consumerKey"),
            one_of(
                "endpoint",
                &[
                    "ovh-eu",
                    "ovh-us",
                    "ovh-ca",
                    "kimsufi-eu",
                    "kimsufi-ca",
                    "soyoustart-eu",
                    "soyoustart-ca",
                ],
            ),
        ],
        |g, t| {
            let endpoint = OvhEndpoint::from_str(g.text("endpoint"))?;
            D::new_ovh(
                g.text("applicationKey"),
                g.text("applicationSecret"),
                g.text("consumerKey"),
                endpoint,
                t,
            )
        },
    ),
    by_zone("plesk", "Plesk", &[text("url"), secret("apiKey")], |g, t| {
        D::new_plesk(g.text("url"), g.text("apiKey"), t)
    }),
    by_zone(
        "porkbun",
        "Porkbun",
        &[secret("apiKey"), secret("secretApiKey")],
        |g, t| D::new_porkbun(g.text("apiKey"), g.text("secretApiKey"), t),
    ),
    by_zone(
        "route53",
        "AWS Route 53",
        &[
            text("accessKeyId"),
            secret("secretAccessKey"),
            secret("sessionToken").optional(),
            text("region").optional(),
            text("hostedZoneId").optional(),
            flag("privateZone"),
        ],
        |g, _| {
            D::new_route53(Route53Config {
                access_key_id: g.own("accessKeyId"),
                secret_access_key: g.own("secretAccessKey"),
                session_token: g.maybe_own("sessionToken"),
                region: g.maybe_own("region"),
                hosted_zone_id: g.maybe_own("hostedZoneId"),
                private_zone_only: g.maybe("privateZone").map(|_| g.flag("privateZone")),
                endpoint: None,
            })
        },
    ),
    by_zone("safedns", "ANS SafeDNS", TOKEN, |g, t| {
        D::new_safedns(g.text("apiToken"), t)
    }),
    by_name("scaleway", "Scaleway", TOKEN, |g, t| {
        D::new_scaleway(g.text("apiToken"), t)
    }),
    by_zone(
        "selectel",
        "Selectel",
        &[
            text("username"),
            secret("password"),
            text("accountId"),
            text("projectId"),
        ],
        |g, t| {
            D::new_selectel(
                g.text("username"),
                g.text("password"),
                g.text("accountId"),
                g.text("projectId"),
                t,
            )
        },
    ),
    by_zone(
        "simplycom",
        "Simply.com",
        &[text("account"), secret("apiKey")],
        |g, t| D::new_simplycom(g.text("account"), g.text("apiKey"), t),
    ),
    by_zone("spaceship", "Spaceship", KEY_AND_SECRET, |g, t| {
        D::new_spaceship(g.text("apiKey"), g.text("apiSecret"), t)
    }),
    by_zone(
        "tencentcloud",
        "Tencent Cloud DNSPod",
        &[
            text("secretId"),
            secret("secretKey"),
            text("region").optional(),
            secret("sessionToken").optional(),
        ],
        |g, t| {
            D::new_tencentcloud(
                g.text("secretId"),
                g.text("secretKey"),
                g.maybe("region"),
                g.maybe("sessionToken"),
                t,
            )
        },
    ),
    by_zone(
        "transip",
        "TransIP",
        &[text("login"), document("privateKey"), flag("globalKey")],
        |g, t| D::new_transip(g.text("login"), g.text("privateKey"), g.flag("globalKey"), t),
    ),
    by_zone(
        "ultradns",
        "UltraDNS",
        &[text("username"), secret("password"), text("endpoint").optional()],
        |g, t| D::new_ultradns(g.text("username"), g.text("password"), g.maybe_own("endpoint"), t),
    ),
    by_name(
        "vercel",
        "Vercel",
        &[secret("apiToken"), text("teamId").optional()],
        |g, t| D::new_vercel(g.text("apiToken"), g.maybe("teamId"), t),
    ),
    by_zone(
        "volcengine",
        "Volcano Engine",
        &[
            text("accessKeyId"),
            secret("secretAccessKey"),
            text("region").optional(),
            text("host").optional(),
        ],
        |g, t| {
            D::new_volcengine(VolcengineConfig {
                access_key: g.own("accessKeyId"),
                secret_key: g.own("secretAccessKey"),
                region: g.maybe_own("region"),
                host: g.maybe_own("host"),
                scheme: None,
                request_timeout: t,
            })
        },
    ),
    by_name("vultr", "Vultr", KEY, |g, t| D::new_vultr(g.text("apiKey"), t)),
    by_zone("websupport", "Websupport", KEY_AND_SECRET, |g, t| {
        D::new_websupport(g.text("apiKey"), g.text("apiSecret"), t)
    }),
    by_zone(
        "yandexcloud",
        "Yandex Cloud DNS",
        &[secret("iamToken"), text("folderId")],
        |g, t| {
            D::new_yandexcloud(YandexCloudConfig {
                iam_token_b64: g.own("iamToken"),
                folder_id: g.own("folderId"),
                request_timeout: t,
            })
        },
    ),
    by_zone("zoneeu", "Zone.eu", USER_AND_KEY, |g, t| {
        D::new_zoneeu(g.text("username"), g.text("apiKey"), t)
    }),
];
