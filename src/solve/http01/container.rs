//! The program in the solver's Pods: a shell and busybox's `nc` or `wget`, for which most clusters have an image; or
//! this program, if the image is its own.
//!
//! The answering program knows the thumbprint of the account from the start, and so the answer to every token of the
//! run (RFC 8555, section 8.1). Nothing has to reach it later, in contrast to a mounted `ConfigMap`, which would be a
//! minute late.

use k8s_openapi::api::core::v1::{Container, EnvVar};

use super::{
    CHALLENGE_PREFIX,
    check::Question,
    objects::{POD_PORT, TERMINATION_LOG},
    table::HEALTH_PATH,
};

/// Answers one connection, which `nc` passes as standard input and output. The request is read to its end, because
/// otherwise closing would discard the answer.
const ANSWER: &str = r#"read -r method path version || exit 0
cr=$(printf '\r')
while IFS= read -r line; do case $line in ''|"$cr") break ;; esac; done
token=${path#"$PREFIX"}
token=${token%%\?*}
status='404 Not Found' body=''
case $path in "$HEALTH") status='200 OK' ;; esac
case $token in "$path"|''|*[!A-Za-z0-9_-]*) ;; *) status='200 OK' body=$token.$THUMBPRINT ;; esac
printf 'HTTP/1.1 %s\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' "$status" ${#body} "$body""#;

/// Listens, and ends after the deadline or when it is told to. The flag for a persistent server is `-lk` or `-ll`,
/// depending on how busybox was built.
const SERVE: &str = r#"case $(nc --help 2>&1; nc -h 2>&1) in *-lk*) listen=-lk ;; *) listen=-ll ;; esac
nc $listen -p "$PORT" -e sh -c "$ANSWER" &
server=$!
trap 'kill $server; exit 0' TERM INT
(sleep "$DEADLINE"; kill -TERM $$) &
wait $server"#;

/// Asks each address of the route until all show the answer, or the time is over. Wrong answers are not quoted, because
/// others may read the termination message of a Pod.
const LOOK: &str = r#"end=$(($(date +%s) + DEADLINE))
while :; do
  seen='' missing=''
  for address in $ADDRESSES; do
    if [ "$(wget -q -O - --header "Host: $HOST" "http://$address$URL_PATH" 2>/dev/null)" = "$WANTED" ]; then
      seen=$seen${seen:+,}\"$address\"
    else
      missing="$missing $address"
    fi
  done
  if [ -z "$missing" ] && [ -n "$seen" ]; then printf '{"seen":[%s]}' "$seen" > "$LOG"; exit 0; fi
  if [ -z "$ADDRESSES" ] || [ "$(date +%s)" -ge "$end" ]; then break; fi
  sleep 0.3 2>/dev/null || sleep 1
done
if [ -z "$ADDRESSES" ]; then why="there is no address to check"; else why="not the answer at$missing"; fi
printf '{"error":"%s"}' "$why" > "$LOG""#;

/// The purpose of a Pod.
#[derive(Debug, Clone, Copy)]
pub(super) enum Program<'a> {
    /// It answers challenges.
    Answer {
        /// The thumbprint of the account's key.
        thumbprint: &'a str,
        /// The time limit, in seconds.
        deadline: u32,
    },
    /// It checks an answer.
    Look(&'a Question),
}

/// Whether an image is this program's own, which has no shell, according to the last part of its repository's name.
pub(super) fn is_own(image: &str) -> bool {
    let repository = image.split('@').next().unwrap_or(image);
    let last = repository.rsplit('/').next().unwrap_or(repository);
    last.split(':').next() == Some("kubectl-certs")
}

/// Sets `command`, `args` and `env` of a container with the image, for a program.
pub(super) fn fill(container: &mut Container, image: &str, program: Program<'_>) {
    if is_own(image) {
        container.args = Some(own_arguments(program));
        return;
    }
    let (script, env): (&str, Vec<(&str, String)>) = match program {
        Program::Answer { thumbprint, deadline } => (
            SERVE,
            vec![
                ("ANSWER", ANSWER.to_owned()),
                ("PREFIX", CHALLENGE_PREFIX.to_owned()),
                ("HEALTH", HEALTH_PATH.to_owned()),
                ("PORT", POD_PORT.to_string()),
                ("DEADLINE", deadline.to_string()),
                ("THUMBPRINT", thumbprint.to_owned()),
            ],
        ),
        Program::Look(question) => (
            LOOK,
            vec![
                ("HOST", question.host.clone()),
                ("URL_PATH", format!("{CHALLENGE_PREFIX}{}", question.token)),
                ("WANTED", format!("{}.{}", question.token, question.thumbprint)),
                ("ADDRESSES", question.shell_addresses()),
                ("DEADLINE", question.limit.as_secs().max(1).to_string()),
                ("LOG", TERMINATION_LOG.to_owned()),
            ],
        ),
    };
    container.command = Some(["sh", "-c", script].map(str::to_owned).to_vec());
    let variable = |(name, value): (&str, String)| EnvVar {
        name: name.to_owned(),
        // The kubelet expands $(NAME) in values; $$ stands for a dollar.
        value: Some(value.replace("$(", "$$(")),
        ..EnvVar::default()
    };
    container.env = Some(env.into_iter().map(variable).collect());
}

fn own_arguments(program: Program<'_>) -> Vec<String> {
    match program {
        // Base64url may begin with a dash, so each value is joined with its flag.
        Program::Answer { thumbprint, deadline } => vec![
            "respond".to_owned(),
            format!("--thumbprint={thumbprint}"),
            format!("--port={POD_PORT}"),
            format!("--deadline={deadline}s"),
        ],
        Program::Look(question) => question.arguments(),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn an_image_is_this_programs_own_by_its_name() {
        for (image, own) in [
            ("registry.example/team/kubectl-certs:1.2", true),
            ("kubectl-certs@sha256:00", true),
            ("localhost:5000/kubectl-certs", true),
            ("docker.io/library/busybox:1.37.0", false),
            ("registry.example/kubectl-certs/busybox:1", false),
        ] {
            assert_eq!(is_own(image), own, "{image}");
        }
    }

    /// The answer of the handler to a request, run with this machine's shell.
    fn answered(request: &str) -> String {
        let mut shell = Command::new("sh")
            .args(["-c", ANSWER])
            .envs([
                ("PREFIX", CHALLENGE_PREFIX),
                ("HEALTH", HEALTH_PATH),
                ("THUMBPRINT", "thumb"),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        shell.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
        String::from_utf8(shell.wait_with_output().unwrap().stdout).unwrap()
    }

    #[test]
    fn every_token_is_answered_and_nothing_else() {
        let get = |path: &str| answered(&format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\n\r\n"));
        for token in ["abc", "a-B_9", "abc?query"] {
            let answer = get(&format!("{CHALLENGE_PREFIX}{token}"));
            let token = token.split('?').next().unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            assert!(answer.ends_with(&format!("\r\n\r\n{token}.thumb")), "{answer}");
            assert!(
                answer.contains(&format!("Content-Length: {}\r\n", token.len() + 6)),
                "{answer}"
            );
        }
        for path in [
            "/",
            CHALLENGE_PREFIX,
            "/.well-known/acme-challenge/../x",
            "/.well-known/acme-challenge/$(id)",
            "*",
        ] {
            let answer = get(path);
            assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{path}: {answer}");
            assert!(answer.ends_with("\r\n\r\n"), "{path}: {answer}");
        }
        assert!(get(HEALTH_PATH).starts_with("HTTP/1.1 200 OK\r\n"));
        // A client that sends nothing gets nothing.
        assert_eq!(answered(""), "");
    }
}
