//! Errors as they are told: JSON with a word for machines, the reason, and the next step.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    answer::{NotYet, sentence, wait},
    who::NotLetIn,
};
use crate::{
    domain::{
        HostError, Told,
        limit::{LimitKind, RegistrationError},
    },
    domains::store::StoreError,
};

/// An error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    /// The word, in lower camel case.
    pub(super) error: &'static str,
    /// What is wrong, as a sentence.
    pub(super) reason: String,
    /// What to do, as a sentence.
    pub(super) next: String,
    /// After how long it may be tried again.
    pub(super) again: Option<Duration>,
}

impl Problem {
    pub(super) fn new(
        status: StatusCode,
        error: &'static str,
        reason: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            status,
            error,
            reason: reason.into(),
            next: next.into(),
            again: None,
        }
    }

    /// The same with a time after which it may be tried again.
    pub(super) fn again(self, after: Duration) -> Self {
        Self {
            again: Some(after),
            ..self
        }
    }

    /// The request itself cannot be read.
    pub(super) fn request(reason: impl Into<String>) -> Self {
        let next = "See the reference of the API for what may be asked.";
        Self::new(StatusCode::BAD_REQUEST, "badRequest", reason, next)
    }

    /// More is asked for than there is room for.
    pub(super) fn busy() -> Self {
        let reason = "Too many hosts are asked for that nobody has registered.";
        let next = "Ask again later, or register the host by the API.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", reason, next).again(Duration::from_secs(1))
    }

    /// Something does not answer; the log says what.
    pub(super) fn unavailable() -> Self {
        let reason = "The store of the domains does not answer, or a certificate cannot be read.";
        let next = "Ask again; the log of the controller says what is wrong.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", reason, next).again(Duration::from_secs(2))
    }

    /// Another tenant has the host.
    pub(super) fn taken(told: Told) -> Self {
        Self::new(StatusCode::CONFLICT, "taken", told.reason, told.next)
    }

    /// There is no such host for whoever asks.
    pub(super) fn not_registered() -> Self {
        let reason = "The host is not registered.";
        Self::new(StatusCode::NOT_FOUND, "notRegistered", reason, "Register it by PUT.")
    }
}

impl From<HostError> for Problem {
    fn from(error: HostError) -> Self {
        let reason = format!("The host is not accepted: {error}.");
        let next = "Ask for a name below a public domain, such as shop.example.com.";
        Self::new(StatusCode::BAD_REQUEST, "notAccepted", reason, next)
    }
}

impl From<NotLetIn> for Problem {
    fn from(why: NotLetIn) -> Self {
        match why {
            NotLetIn::Nobody => Self::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "There is neither a token nor a client certificate that the settings name.",
                "Send the token of a ServiceAccount as Authorization: Bearer.",
            ),
            NotLetIn::Unknown => Self::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "The token is not valid for this API.",
                "Send the token of a ServiceAccount that was made for the audience in the settings.",
            ),
            NotLetIn::Busy => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "limited",
                "Too many tokens are to be judged.",
                "Ask again later.",
            )
            .again(Duration::from_secs(1)),
            NotLetIn::Unjudged => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The cluster does not judge tokens now.",
                "Ask again; the log of the controller says what is wrong.",
            )
            .again(Duration::from_secs(2)),
        }
    }
}

impl From<RegistrationError> for Problem {
    fn from(error: RegistrationError) -> Self {
        let next = match error.kind {
            LimitKind::Token | LimitKind::Tenant => "Register it later.",
            LimitKind::Domain => "Register it later, or a host of another domain.",
        };
        Self::new(StatusCode::TOO_MANY_REQUESTS, "limited", sentence(&error), next).again(wait(error.until, error.now))
    }
}

impl From<NotYet> for Problem {
    fn from(why: NotYet) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            why.state.as_str(),
            why.reason,
            why.next,
        )
        .again(why.again)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        log::warn!("the store of the domains: {error}");
        Self::unavailable()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({"error": self.error, "reason": self.reason, "next": self.next});
        let mut response = super::json(self.status, &body);
        let headers = response.headers_mut();
        if let Some(again) = self.again {
            // Whole seconds, and not before.
            headers.insert(header::RETRY_AFTER, HeaderValue::from(again.as_secs().max(1)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
