//! Examples, for the end of each long help. A test parses every line.

macro_rules! examples {
    ($($name:ident: $($about:literal $line:literal),+ $(,)?;)+) => {
        $(pub(in crate::cli::args) const $name: &str = concat!("Examples:", $("\n  # ", $about, "\n  kubectl certs ", $line,)+);)+
    };
}

examples! {
    STATUS:
        "Everything, worst first" "status -A",
        "One Ingress, one host, one listener, one Secret" "status web shop.example gateway/public:https secret/shop-tls",
        "Failures, present and coming, for a pipeline" "status -f manifests/ --fail-on warning -o junit",
        "As of another day" "status -A --at 2027-01-31",
        "What clients get, for who may read no Secret" "status -A --no-secrets --fail-on warning",
        "Two columns of your own" "status -A -o custom-columns=HOST:.host,UNTIL:.notAfter";
    SHOW:
        "The Ingress of a host" "show shop.example",
        "A Secret, with what its routes serve now" "show secret/shop-tls -n shop --probe",
        "A file" "show ./fullchain.pem",
        "A server" "show shop.example:443";
    PROBE:
        "All routes of the namespace" "probe",
        "At an address other than DNS has" "probe web --connect 192.0.2.10:443";
    PREFLIGHT:
        "One Ingress, with the production CA" "preflight web --production";
    LIMITS:
        "What is left at Let's Encrypt, and what is ahead" "limits -A",
        "One registered domain, by one of its hosts" "limits www.shop.example -A",
        "For a script" "limits -A --issuer corp -o json";
    FORECAST:
        "The coming year of all certificates, under four lifetimes" "forecast -A",
        "How long 30,000 customers' domains take on the first day" "forecast -A --new 30000",
        "Another 200 hosts of one domain, with certificates of 45 days" "forecast -A --new 200 --under shop.example --lifetime 45d",
        "For a script" "forecast -A -o json";
    WHY:
        "Where a host stands, and what holds it" "why shop.example -n shop",
        "For a script" "why shop.example -A -o json";
    RENEW:
        "A rehearsal, which changes nothing that is served" "renew web",
        "The same with the production CA" "renew web --production",
        "Everything that is due in the namespace" "renew --due --production",
        "Only the steps" "renew secret/shop-tls --dry-run";
    ISSUE:
        "A certificate for a Secret that no route uses yet" "issue --secret shop-tls -d shop.example -d www.shop.example --production";
    ENSURE:
        "A certificate for these names and no others, in a job that runs every day" "ensure --secret web-tls -d shop.example -d www.shop.example --production --yes",
        "In the keys of another program's Secret" "ensure --secret web -d a.example --secret-keys certificate=proxycert,key=proxykey",
        "With a restart of what reads it once, if it changed" "ensure --secret certs -d shop.example --restart rc/proxy --production",
        "With the variables of a container: EMAIL, DOMAINS, RC_NAMES" "ensure --from-env --production --yes",
        "Without a cluster, encrypted for git" "ensure -f tls/ -o ./tls --secret web -d shop.example --age-recipients-file ./to";
    REVOKE:
        "A certificate that has been replaced" "revoke shop-tls --reason superseded",
        "One whose key has leaked, from its file" "revoke ./fullchain.pem --reason key-compromise --key-file ./privkey.pem";
    ROLLBACK:
        "The pair before the last renewal" "rollback shop-tls -n shop";
    CLEANUP:
        "Leftovers of killed runs, in all namespaces" "cleanup -A";
    EXPORT:
        "Everything that the controller keeps" "export -A --to ./certs --age-recipients-file ./to",
        "One Secret, for one recipient" "export secret/shop-tls -n shop --to ./certs --age-recipient age1RECIPIENT";
    PROOF:
        "The last 90 days" "proof",
        "A quarter, with the controller's lines, for a spreadsheet" "proof --since 2026-10-01 --audit ./october.log --audit ./november.log -o csv",
        "The lines alone, without a cluster" "proof --audit ./controller.log --audit-only";
    CONTROLLER:
        "All namespaces, with Let's Encrypt" "controller -A --production --account-secret kubectl-certs/account";
    ADOPT:
        "What would be changed, annotation by annotation, and what somebody has to decide" "adopt -A --dry-run",
        "What cert-manager keeps in one namespace" "adopt -n shop --from cert-manager",
        "All of it back" "adopt -n shop --undo";
    DOMAINS:
        "Where every host stands" "domains list -A",
        "All about one, with the DNS records to set" "domains show shop.example.com";
    DOMAINS_LIST:
        "Those that wait for a DNS record" "domains list -A --state dns",
        "The next 500 of a tenant, for a script" "domains list -n customers --tenant acme --after shop.example.com --limit 500 -o json";
    DOMAINS_SHOW:
        "All about one, with the DNS records to set" "domains show shop.example.com",
        "The same for a script" "domains show shop.example.com -n customers -o json";
    DOMAINS_PUT:
        "Two hosts of a customer" "domains put shop.example.com www.example.com -n customers";
    DOMAINS_RELEASE:
        "A host that its customer has taken elsewhere" "domains release shop.example.com -n customers";
    DOMAINS_IMPORT:
        "What would be imported from Caddy" "domains import --from caddy /var/lib/caddy/.local/share/caddy -n customers --dry-run",
        "What lua-resty-auto-ssl keeps in Redis, after `redis-cli --rdb ./dump.rdb`" "domains import --from auto-ssl ./dump.rdb -n customers",
        "certbot's certificates" "domains import --from pem-dir /etc/letsencrypt -n customers";
    INSTALL:
        "A controller for the whole cluster, with Let's Encrypt" "install --production --image registry.example/certs:1 --email ops@shop.example",
        "One that plans and prints, for two namespaces" "install --namespaced shop,blog --image registry.example/certs:1",
        "The objects, for GitOps" "install --production --image registry.example/certs:1 --print > controller.yaml",
        "A CronJob for one certificate" "install -n shop --cronjob --secret shop-tls -d shop.example --production";
    UNINSTALL:
        "What would be removed" "uninstall --dry-run",
        "A CronJob" "uninstall -n shop --cronjob --secret shop-tls";
    PAUSE:
        "No orders for two hours, with the reason for everybody" "pause --reason maintenance --for 2h";
    RESUME:
        "The controller in another namespace than the usual one" "resume -n certs-dev";
    ACCOUNT:
        "The stored accounts" "account show",
        "One with Let's Encrypt, under this address" "account register --production --email ops@shop.example --agree-tos";
    ACCOUNT_SHOW:
        "All stored accounts, without asking a CA" "account show",
        "The account with Let's Encrypt, as the CA has it" "account show --production";
    ACCOUNT_REGISTER:
        "With Let's Encrypt's staging, for rehearsals" "account register --staging --email ops@shop.example --agree-tos",
        "With a CA that wants an external account binding" "account register --issuer corp --eab-kid KID --eab-key-file ./eab.key";
    ACCOUNT_UPDATE:
        "Another address" "account update --production --email oncall@shop.example",
        "None at all" "account update --production --no-email";
    ACCOUNT_IMPORT:
        "What would be done with cert-manager's account" "account import letsencrypt-account-key -n cert-manager --production --dry-run",
        "certbot's account" "account import ./private_key.json --production";
    ACCOUNT_ROLLOVER:
        "A new key, because others may have seen the old one" "account rollover --production";
    ACCOUNT_DEACTIVATE:
        "The account with the staging CA, which is not needed any more" "account deactivate --staging";
    CONFIG:
        "The settings in force, and their sources" "config view",
        "A file to start from" "config example > config.yaml";
    CONFIG_VIEW:
        "The settings in force, and their sources" "config view",
        "The same with the settings of the cluster, for a script" "config view --config-map kubectl-certs/settings -o json";
    CONFIG_CHECK:
        "The user's own settings" "config check",
        "A file that is not in use yet" "config check --config ./config.yaml";
    CONFIG_EXAMPLE:
        "A file to start from" "config example > config.yaml";
    EXPLAIN:
        "All reasons" "explain",
        "One of them" "explain HostMismatch";
    RIGHTS:
        "The Role for renewals in a namespace, applied" "rights -n shop | kubectl apply -f -",
        "The ClusterRole for reading everything" "rights --for reader",
        "The one that needs no right on Secrets, for `status --no-secrets`" "rights --for prober",
        "What limits what a group of renewers may write to Secrets" "rights --for policy --as-group oidc:developers";
    VERSION:
        "For a script" "version -o json";
    COMPLETION:
        "For bash, with bash-completion" "completion bash > ~/.local/share/bash-completion/completions/kubectl-certs",
        "For PowerShell, in $PROFILE" "completion powershell | Out-String | Invoke-Expression",
        "For fish" "completion fish > ~/.config/fish/completions/kubectl-certs.fish";
    MAN:
        "To read the program's page" "man | man -l -",
        "To read that of a command" "man account register | man -l -",
        "All pages, for a package" "man --output-dir ./man1";
}
