//! An acme-dns server: a name server for challenges only, in which each account has one name with its two newest
//! values.

use futures_util::future::BoxFuture;
use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::{
    api::{self, ApiAnswer, ApiClient, ApiRequest},
    config::{AcmeDnsConfig, Secrets},
    provider::{Provider, Record},
};
use crate::solve::SolveError;

const MOST_BYTES: usize = 64 * 1024;
/// How many values a name has: a third one displaces the oldest.
const VALUES: usize = 2;

/// One account.
#[derive(Debug)]
pub(super) struct AcmeDns {
    label: String,
    subdomain: String,
    client: ApiClient,
}

impl AcmeDns {
    pub(super) fn new(
        config: &AcmeDnsConfig,
        username: &str,
        password: &SecretString,
        secrets: &dyn Secrets,
    ) -> Result<Self, SolveError> {
        let header = |text: &str, what: &str| {
            let mut value = HeaderValue::from_str(text)
                .map_err(|_| SolveError::new(format!("{what} holds characters that a header cannot have")))?;
            value.set_sensitive(true);
            Ok::<_, SolveError>(value)
        };
        let headers = HeaderMap::from_iter([
            (HeaderName::from_static("x-api-user"), header(username, "username")?),
            (
                HeaderName::from_static("x-api-key"),
                header(password.expose_secret(), "password")?,
            ),
        ]);
        let client = ApiClient::open("acme-dns", &config.url, config.ca_file.as_deref(), headers, secrets)?;
        Ok(Self {
            label: format!("acme-dns at {}", client.base()),
            subdomain: config.subdomain.to_ascii_lowercase(),
            client,
        })
    }

    /// Checks that the record is at the only place to which this account can write.
    fn check(&self, record: &Record) -> Result<(), SolveError> {
        if record.name.split('.').next() == Some(self.subdomain.as_str()) {
            return Ok(());
        }
        Err(SolveError::new(format!(
            "_acme-challenge.{} ends at {}, but the account of {} writes only to {}",
            record.domain, record.name, self.label, self.subdomain
        ))
        .hint(format!(
            "make _acme-challenge.{} a CNAME to {} in the server's domain",
            record.domain, self.subdomain
        )))
    }

    fn judge(&self, answer: &ApiAnswer) -> Result<(), SolveError> {
        #[derive(Deserialize)]
        struct Said {
            error: String,
        }
        if answer.status.is_success() {
            return Ok(());
        }
        let said =
            serde_json::from_slice::<Said>(&answer.body).map_or_else(|_| answer.text(), |said| api::cut(&said.error));
        let error = SolveError::new(format!("{} answers {}: {said}", self.label, answer.status.as_u16()));
        Err(match (answer.status, said.as_str()) {
            (StatusCode::UNAUTHORIZED, _) => error.hint(
                "check username, password and subdomain of the account, and that its `allowfrom` allows this machine",
            ),
            (_, "bad_subdomain") => error.hint("give the account's subdomain without the server's domain"),
            (StatusCode::NOT_FOUND, _) => error.hint("check the URL: updates go to /update below it"),
            _ => error.hint("the server's log says more"),
        })
    }
}

impl Provider for AcmeDns {
    fn label(&self) -> &str {
        &self.label
    }

    fn holds(&self) -> usize {
        VALUES
    }

    fn add<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(async move {
            self.check(record)?;
            let request = ApiRequest {
                method: Method::POST,
                path: "/update".to_owned(),
                body: Some(json!({"subdomain": self.subdomain, "txt": record.value}).to_string()),
            };
            // A repeated request would store the value twice and displace the other one, so it is sent only once.
            let answer = self.client.once(&self.label, MOST_BYTES, &request).await?;
            self.judge(&answer)
        })
    }

    /// Nothing can be removed: the next value replaces the oldest.
    fn remove<'a>(&'a self, _: &'a Record) -> BoxFuture<'a, Result<bool, SolveError>> {
        Box::pin(async { Ok(false) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solve::dns01::config::{Credential, NoSecrets, Setting};

    fn provider() -> AcmeDns {
        let config = AcmeDnsConfig {
            url: "https://auth.test/".to_owned(),
            username: Setting::Plain("user".to_owned()),
            password: Credential::Env("KEY".to_owned()),
            subdomain: "D420".to_owned(),
            ca_file: None,
        };
        AcmeDns::new(&config, "user", &SecretString::from("s3cret"), &NoSecrets).unwrap()
    }

    #[test]
    fn a_record_elsewhere_is_told_with_the_cname_that_is_needed() {
        let record = |name: &str| Record {
            zone: "auth.test".to_owned(),
            name: name.to_owned(),
            value: "v".to_owned(),
            ttl: 1,
            domain: "shop.example".to_owned(),
            token: String::new(),
        };
        let provider = provider();
        assert_eq!(provider.check(&record("d420.auth.test")), Ok(()));
        let error = provider.check(&record("_acme-challenge.shop.example")).unwrap_err();
        assert_eq!(
            error.hint.as_deref(),
            Some("make _acme-challenge.shop.example a CNAME to d420 in the server's domain")
        );
        assert!(!format!("{provider:?}").contains("s3cret"));
    }

    #[test]
    fn the_servers_refusals_say_what_to_do() {
        let provider = provider();
        let answer = |status: u16, body: &str| ApiAnswer {
            status: StatusCode::from_u16(status).unwrap(),
            body: body.as_bytes().to_vec(),
        };
        assert_eq!(provider.judge(&answer(200, r#"{"txt": "v"}"#)), Ok(()));
        let forbidden = provider.judge(&answer(401, r#"{"error": "forbidden"}"#)).unwrap_err();
        assert_eq!(
            forbidden.message,
            "acme-dns at https://auth.test answers 401: forbidden"
        );
        assert!(forbidden.hint.unwrap().contains("allowfrom"));
        let page = provider
            .judge(&answer(502, "<html>\n  bad\ngateway</html>"))
            .unwrap_err();
        assert!(
            page.message.ends_with("answers 502: <html> bad gateway</html>"),
            "{page}"
        );
    }
}
