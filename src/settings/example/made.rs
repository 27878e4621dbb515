//! Generates the example from the declarations of the settings.

use std::fmt::Write as _;

use crate::settings::{
    env::PREFIX,
    section::{Declared, Example, ShownSettings},
};

/// The root of a private CA, with `$indent` before each of its lines.
macro_rules! root {
    ($indent:literal) => {
        concat!(
            $indent,
            "-----BEGIN CERTIFICATE-----\n",
            $indent,
            "MIICBTCCAYugAwIBAgISBRj3Bp3a1DSYFrt2z1WpmVkeMAoGCCqGSM49BAMDMEMx\n",
            $indent,
            "CzAJBgNVBAYMAlVTMRgwFgYDVQQKDA9UaWRld2F0ZXIgVHJ1c3QxGjAYBgNVBAMM\n",
            $indent,
            "EVRpZGV3YXRlciBSb290IFgxMB4XDTIyMDMxMzAwMDAwMFoXDTQyMDMxMjIzNTk1\n",
            $indent,
            "OVowQzELMAkGA1UEBgwCVVMxGDAWBgNVBAoMD1RpZGV3YXRlciBUcnVzdDEaMBgG\n",
            $indent,
            "A1UEAwwRVGlkZXdhdGVyIFJvb3QgWDEwdjAQBgcqhkjOPQIBBgUrgQQAIgNiAASR\n",
            $indent,
            "jjEE81PXnP3ZpzM0jq8Mr0ELROMRiJZTHS/LNqcSnq5usyjQDg8Gt1A9vtyrZa+X\n",
            $indent,
            "qhvfHg6amF+fxilTg/4ipPbqcIs5kaegAj/powMEN9cpE1b8vLGGIpcXo4DJh4ej\n",
            $indent,
            "QjBAMA4GA1UdDwEB/wQEAwIBhjAdBgNVHQ4EFgQUFFTf1sMgK41kV7mygVptWrjo\n",
            $indent,
            "ZoYwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAwNoADBlAjBsiJH77aUwN5vf\n",
            $indent,
            "SCut3rY8afUmRmUOesoBqJ4nC0o51QEewqsExdZ7IfJPPKhblocCMQDQk2x47cyn\n",
            $indent,
            "x3+xyNbnwFiWBN+0nUd0px4FlfGescHEXXZs+XoXHTQ31CZe8AmNz/o=\n",
            $indent,
            "-----END CERTIFICATE-----",
        )
    };
}

/// The same root in the form for a field.
pub(in crate::settings) const ROOT: &str = concat!("|\n", root!(""));

/// DNS providers of three kinds.
pub(in crate::settings) const PROVIDERS: &str = "
# name is its name for --dns; the provider's name by default.
- name: public
  zones: [example.com]
  provider: cloudflare
  apiToken: {env: CLOUDFLARE_API_TOKEN}
  # How long resolvers may cache the record, in seconds.
  ttl: 60
- name: internal
  zones: [corp.internal, 10.in-addr.arpa]
  provider: powerdns
  url: https://pdns.corp.internal:8081
  caFile: corp-root.pem
  apiKey: {secretRef: {namespace: dns, name: powerdns-letsencrypt-apikey, key: apikey}}
- name: script
  zones: [legacy.example]
  provider: hook
  command: ~/bin/dns-hook
  # The environment variables that it gets besides PATH, HOME and the like: those with its credentials.
  environment: [LEGACY_DNS_KEY]";

/// A CA that some contexts trust.
pub(in crate::settings) const TRUST: &str = concat!("\n- contexts: [prod, \"stage-*\"]\n  ca: |\n", root!("    "));

/// Two controllers, one of them in the short form.
pub(in crate::settings) const CONTROLLERS: &str = "
k8s.io/internal-nginx: ingress-nginx
k8s.io/ingress-nginx:
  is: traefik
  # The Secret of its default certificate, which is served if no other fits. NAMESPACE/NAME.
  defaultCertificate: edge/wildcard-tls";

/// The longest line, without its indentation.
const LONGEST: usize = 130;

/// The text at the top of the file.
const HEAD: &str = "\
# Settings of kubectl certs. The file is the one that --config or KUBECTL_CERTS_CONFIG names; by default
# $XDG_CONFIG_HOME/kubectl-certs/config.yaml, or ~/.config/kubectl-certs/config.yaml. Every field is optional.
#
# Flags override variables, variables override this file, and this file overrides a ConfigMap (--config-map).
# An unknown field is an error. No credential is written here: a field names its place, in one of three ways:
#   {env: VARIABLE}                                 a variable of the environment
#   {file: PATH}                                    a file; leading and trailing white space is ignored
#   {secretRef: {namespace: NS, name: N, key: K}}   a key of a Secret in the cluster
# A relative path starts at this file's directory; ~/ is the home directory.
";

/// The file with all of these settings.
pub(in crate::settings) fn example(all: &[Declared]) -> String {
    let mut file = HEAD.to_owned();
    for one in all {
        file.push('\n');
        put(&mut file, 0, one);
    }
    file
}

/// Adds the lines of one setting, indented.
fn put(file: &mut String, indent: usize, one: &Declared) {
    let place = " ".repeat(indent);
    let mut about: Vec<String> = one.about.iter().map(|line| line.trim().to_owned()).collect();
    if let (Some(variable), Some(last)) = (one.variable, about.last_mut()) {
        let too = format!("{PREFIX}{variable}.");
        if last.len() + too.len() < LONGEST {
            let _ = write!(last, " {too}");
        } else {
            about.push(too);
        }
    }
    for line in about {
        let _ = writeln!(file, "{place}# {line}");
    }
    let name = in_the_file(one.name);
    match one.example {
        Example::Value(value) => file.push_str(&indented(&place, &format!("{name}: {value}"))),
        Example::Off(value) => file.push_str(&indented(&format!("{place}# "), &format!("{name}: {value}"))),
        Example::Section(all) => {
            let _ = writeln!(file, "{place}{name}:");
            for one in all {
                put(file, indent + 2, one);
            }
        }
        Example::Entries(all, entries) => {
            let _ = writeln!(file, "{place}{name}:");
            for (entry, shown) in entries {
                let _ = writeln!(file, "{place}  {entry}:");
                let shown = all.iter().filter(|one| match shown {
                    ShownSettings::Only(these) => these.contains(&one.name),
                    ShownSettings::AllBut(these) => !these.contains(&one.name),
                });
                shown.for_each(|one| put(file, indent + 4, one));
            }
        }
    }
}

/// Indents a value of several lines, which begins with an empty line or with the style of its text.
fn indented(place: &str, text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().trim_end();
    let mut whole = format!("{place}{first}\n");
    for line in lines {
        let _ = writeln!(whole, "{place}  {line}");
    }
    whole
}

/// The name of a field in the file.
pub(in crate::settings) fn in_the_file(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (initial, rest) = word.split_at(1);
        name + &initial.to_ascii_uppercase() + rest
    })
}
