//! Examples, for the end of each long help. A test parses every line.

macro_rules! examples {
    ($($name:ident: $($about:literal $line:literal),+ $(,)?;)+) => {
        $(pub(super) const $name: &str = concat!("Examples:", $("\n  # ", $about, "\n  kubectl certs ", $line,)+);)+
    };
}

examples! {
    STATUS:
        "Everything, worst first" "status -A",
        "One Ingress, one host, one listener, one Secret" "status web shop.example gateway/public:https secret/shop-tls",
        "What fails or will, for a pipeline" "status -f manifests/ --fail-on warning -o junit",
        "As of another day" "status -A --at 2027-01-31",
        "Two columns of one's own" "status -A -o custom-columns=HOST:.host,UNTIL:.notAfter";
    SHOW:
        "The Ingress of a host" "show shop.example",
        "A Secret, with what its routes serve now" "show secret/shop-tls -n shop --probe",
        "A file" "show ./fullchain.pem",
        "A server" "show shop.example:443";
    PROBE:
        "All routes of the namespace" "probe",
        "At another address than DNS has" "probe web --connect 192.0.2.10:443";
    PREFLIGHT:
        "One Ingress, with the CA for everybody" "preflight web --production";
    RENEW:
        "A rehearsal, which changes nothing that is served" "renew web",
        "The same for everybody" "renew web --production",
        "Everything that is due in the namespace" "renew --due --production",
        "The steps alone" "renew secret/shop-tls --dry-run";
    ISSUE:
        "A certificate for a Secret that no route uses yet" "issue --secret shop-tls -d shop.example -d www.shop.example --production";
    REVOKE:
        "A certificate that was replaced" "revoke shop-tls --reason superseded",
        "One whose key is in wrong hands, from its file" "revoke ./fullchain.pem --reason key-compromise --key-file ./privkey.pem";
    ROLLBACK:
        "The pair before the last renewal" "rollback shop-tls -n shop";
    CLEANUP:
        "What killed runs left, in all namespaces" "cleanup -A";
    ACCOUNT:
        "The account with Let's Encrypt" "account show --production";
    CONFIG:
        "The settings that are in force, and from where" "config view",
        "A file to begin with" "config example";
    EXPLAIN:
        "All reasons" "explain",
        "One of them" "explain HostMismatch";
    VERSION:
        "For a script" "version -o json";
    COMPLETION:
        "For this bash, and for those to come" "completion bash";
    MAN:
        "To read it" "man";
}
