//! The variables of a container that keeps one certificate: those of the recipe in which an image with certbot stores a
//! Secret and restarts what reads it (ployst/docker-letsencrypt, README).

use crate::{
    acme::{LETS_ENCRYPT, LETS_ENCRYPT_STAGING},
    cli::args::issue::EnsureCommand,
    name::{Name, NameError},
    ops::OpError,
    settings::{
        env::Lookup,
        value::{RestartWord, Workload, WorkloadKind, is_name},
    },
};

/// The directories of ACME v1, which no CA serves any more, and what stands in their place.
const ENDED: [(&str, &str); 2] = [
    ("acme-v01.api.letsencrypt.org", LETS_ENCRYPT),
    ("acme-staging.api.letsencrypt.org", LETS_ENCRYPT_STAGING),
];
/// The variables with workloads.
const WORKLOADS: [(&str, WorkloadKind); 2] = [
    ("RC_NAMES", WorkloadKind::ReplicationController),
    ("DEPLOYMENTS", WorkloadKind::Deployment),
];

/// What the variables say, as far as no flag says otherwise.
#[derive(Debug, Default)]
pub(super) struct Container {
    email: Option<String>,
    domains: Vec<String>,
    secret: Option<String>,
    namespace: Option<String>,
    restart: Vec<RestartWord>,
    directory: Option<String>,
    /// What the user should know of it.
    pub(super) notes: Vec<String>,
}

impl Container {
    /// Reads the variables for which there is no flag.
    ///
    /// # Errors
    ///
    /// One that is needed is missing, or one has a value that is none.
    pub(super) fn read(get: Lookup<'_>, flags: &EnsureCommand) -> Result<Self, OpError> {
        let said = |name: &str| {
            get(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        let missing = |name: &str, flag: &str| {
            OpError::usage(format!("--from-env: the variable {name} is not set"))
                .hint(format!("set it, or give {flag}"))
        };
        let mut this = Self::default();
        let ca = &flags.issue.how.ca;
        if ca.email.is_empty() {
            let email = said("EMAIL").ok_or_else(|| missing("EMAIL", "--email ADDRESS"))?;
            let (before, after) = email.split_once('@').unwrap_or_default();
            if before.is_empty() || after.is_empty() || email.contains(|c: char| c.is_whitespace() || c == ',') {
                return Err(wrong("EMAIL", &email, "it is not one address"));
            }
            this.email = Some(email);
        }
        if flags.domains.is_empty() {
            let domains = said("DOMAINS").ok_or_else(|| missing("DOMAINS", "-d HOST"))?;
            this.domains = words(&domains).map(str::to_owned).collect();
        }
        let mut first = None;
        for domain in this.domains.iter().chain(&flags.domains) {
            let name: Result<Name, NameError> = domain.parse();
            let name = name.map_err(|error| {
                if this.domains.is_empty() {
                    OpError::usage(error)
                } else {
                    wrong("DOMAINS", domain, error)
                }
            })?;
            first = first.or(Some(name));
        }
        if flags.secret.is_none() {
            this.secret = match (said("SECRET_NAME"), first) {
                (Some(name), _) if is_name(&name) => Some(name),
                (Some(name), _) => return Err(wrong("SECRET_NAME", &name, "no Secret can have this name")),
                (None, Some(first)) => Some(secret_of(&first)?),
                (None, None) => return Err(wrong("DOMAINS", "", "it names no domain")),
            };
        }
        let source = &flags.issue.source;
        if source.namespace.is_empty() {
            this.namespace = said("NAMESPACE");
        }
        if flags.issue.how.store.restart.is_empty() {
            for (variable, kind) in WORKLOADS {
                for name in words(&said(variable).unwrap_or_default()) {
                    if !is_name(name) {
                        return Err(wrong(variable, name, "no workload can have this name"));
                    }
                    let name = name.to_owned();
                    this.restart.push(RestartWord::Workload(Workload { kind, name }));
                }
            }
        }
        let is_chosen = ca.staging || ca.production || ca.issuer.is_some() || ca.directory_url.is_some();
        if let Some(url) = said("LETSENCRYPT_ENDPOINT").filter(|_| !is_chosen) {
            this.directory = Some(this.directory(url)?);
        }
        Ok(this)
    }

    /// The directory that a URL means: those of ACME v1 have successors.
    fn directory(&mut self, url: String) -> Result<String, OpError> {
        let rest = url
            .split_once("://")
            .map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
        let Some((_, rest)) = rest.filter(|(scheme, _)| ["https", "http"].contains(&scheme.as_str())) else {
            return Err(wrong("LETSENCRYPT_ENDPOINT", &url, "it is not the URL of a directory"));
        };
        let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
        let successor = ENDED.iter().find(|(ended, _)| host.eq_ignore_ascii_case(ended));
        Ok(match successor {
            Some((_, successor)) => {
                self.notes.push(format!(
                    "LETSENCRYPT_ENDPOINT: {host} spoke ACME v1, which has ended; {successor} stands in its place"
                ));
                (*successor).to_owned()
            }
            None => url,
        })
    }

    /// Adds to the command what no flag says.
    pub(super) fn complete(self, command: &mut EnsureCommand) {
        command.domains.extend(self.domains);
        command.secret = command.secret.take().or(self.secret);
        let issue = &mut command.issue;
        issue.how.ca.email.extend(self.email);
        issue.how.ca.directory_url = issue.how.ca.directory_url.take().or(self.directory);
        issue.source.namespace.extend(self.namespace);
        issue.how.store.restart.extend(self.restart);
    }
}

/// The Secret of a certificate whose first name this is.
fn secret_of(first: &Name) -> Result<String, OpError> {
    let name = match first.base() {
        Some(base) => format!("certs-{base}"),
        None => format!("certs-{}", first.to_string().replace(':', "-")),
    };
    if is_name(&name) {
        return Ok(name);
    }
    Err(OpError::usage(format!("--from-env: no Secret can be called {name}")).hint("name it: --secret NAME"))
}

/// The words of a list, separated by spaces or commas.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
}

fn wrong(variable: &str, value: &str, why: impl std::fmt::Display) -> OpError {
    OpError::usage(format!("--from-env: the variable {variable} is {value:?}: {why}"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::{Cli, Command};

    fn typed(words: &str) -> EnsureCommand {
        let line = ["certs", "ensure", "--from-env"]
            .into_iter()
            .chain(words.split_whitespace());
        let Some(Command::Ensure(command)) = Cli::try_parse_from(line).unwrap().command else {
            panic!("ensure")
        };
        *command
    }

    /// What the variables and flags come to, a line each; or the error.
    fn read(variables: &[(&str, &str)], flags: &str) -> Result<String, String> {
        let get = |name: &str| {
            let found = variables.iter().find(|(one, _)| *one == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let mut command = typed(flags);
        let container = Container::read(&get, &command).map_err(|error| {
            assert_eq!(error.blame, crate::error::Blame::Usage);
            error.message
        })?;
        let notes = container.notes.join("|");
        container.complete(&mut command);
        let restart: Vec<String> = command
            .issue
            .how
            .store
            .restart
            .iter()
            .map(ToString::to_string)
            .collect();
        Ok(format!(
            "{} {} {} {} {:?} {:?} {notes}",
            command.secret.unwrap(),
            command.domains.join(","),
            command.issue.how.ca.email.join(","),
            restart.join(","),
            command.issue.source.namespace,
            command.issue.how.ca.directory_url,
        ))
    }

    const BOTH: [(&str, &str); 2] = [("EMAIL", "ops@example.com"), ("DOMAINS", "example.com foo.example.com")];

    #[test]
    fn a_containers_variables_say_what_flags_would() {
        for (more, flags, expected) in [
            (
                &[][..],
                "",
                "certs-example.com example.com,foo.example.com ops@example.com  [] None ",
            ),
            (
                &[("RC_NAMES", " nginx  web"), ("DEPLOYMENTS", "proxy")],
                "",
                "certs-example.com example.com,foo.example.com ops@example.com \
                 replicationcontroller/nginx,replicationcontroller/web,deployment/proxy [] None ",
            ),
            (
                &[
                    ("SECRET_NAME", "tls"),
                    ("NAMESPACE", "shop"),
                    ("LETSENCRYPT_ENDPOINT", "https://ca.example/dir"),
                ],
                "",
                "tls example.com,foo.example.com ops@example.com  [\"shop\"] Some(\"https://ca.example/dir\") ",
            ),
            // Flags win, each over its own variable alone.
            (
                &[
                    ("RC_NAMES", "nginx"),
                    ("NAMESPACE", "shop"),
                    ("LETSENCRYPT_ENDPOINT", "https://ca.example/dir"),
                ],
                "--secret a -d b.example --email c@d.example --restart deployment/e -n f --production",
                "a b.example c@d.example deployment/e [\"f\"] None ",
            ),
        ] {
            let variables = [&BOTH[..], more].concat();
            assert_eq!(read(&variables, flags).as_deref(), Ok(expected), "{more:?} {flags}");
        }
        let commas = [BOTH[0], ("DOMAINS", "*.example.com, foo.example.com,")];
        let said = read(&commas, "").unwrap();
        assert!(
            said.starts_with("certs-example.com *.example.com,foo.example.com "),
            "{said}"
        );
    }

    #[test]
    fn directories_of_acme_v1_have_successors_and_that_is_told() {
        for (url, directory, told) in [
            ("https://acme-v01.api.letsencrypt.org/directory", LETS_ENCRYPT, true),
            (
                "https://acme-staging.api.letsencrypt.org/directory",
                LETS_ENCRYPT_STAGING,
                true,
            ),
            ("HTTPS://ACME-STAGING.api.letsencrypt.org", LETS_ENCRYPT_STAGING, true),
            (LETS_ENCRYPT, LETS_ENCRYPT, false),
            (
                "https://acme-v01.api.letsencrypt.org.evil.example/",
                "https://acme-v01.api.letsencrypt.org.evil.example/",
                false,
            ),
        ] {
            let said = read(&[&BOTH[..], &[("LETSENCRYPT_ENDPOINT", url)]].concat(), "").unwrap();
            assert!(said.contains(&format!("Some({directory:?})")), "{said}");
            assert_eq!(said.contains("ACME v1"), told, "{said}");
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_told_with_its_variable() {
        let [email, domains] = BOTH;
        for (variables, flags, words) in [
            (&[domains][..], "", "the variable EMAIL is not set"),
            (&[email], "", "the variable DOMAINS is not set"),
            (&[email, ("DOMAINS", "  ")], "", "the variable DOMAINS is not set"),
            (&[email, ("DOMAINS", " , ")], "", "the variable DOMAINS is \"\""),
            (
                &[email, ("DOMAINS", "example.com exa mple..com")],
                "",
                "the variable DOMAINS is \"mple..com\"",
            ),
            (&[("EMAIL", "ops"), domains], "", "the variable EMAIL is \"ops\""),
            (
                &[("EMAIL", "a@b.example, c@d.example"), domains],
                "",
                "it is not one address",
            ),
            (
                &[email, domains, ("RC_NAMES", "nginx Web")],
                "",
                "the variable RC_NAMES is \"Web\"",
            ),
            (
                &[email, domains, ("SECRET_NAME", "Tls")],
                "",
                "the variable SECRET_NAME is \"Tls\"",
            ),
            (
                &[email, domains, ("LETSENCRYPT_ENDPOINT", "staging")],
                "",
                "the variable LETSENCRYPT_ENDPOINT is \"staging\"",
            ),
            (&[email], "-d a..b", "\"a..b\" is neither a DNS name"),
            (&[email], "-d _a.example", "no Secret can be called certs-_a.example"),
        ] {
            let error = read(variables, flags).unwrap_err();
            assert!(error.contains(words), "{variables:?} {flags}: {error}");
        }
    }
}
