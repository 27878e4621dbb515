//! Which account a certificate belongs to, according to the note on its Secret.

use crate::{object::annotation, x509::Fingerprint};

/// Whether the note on a Secret says that its certificate, with this leaf, belongs to the account with this URL. A note
/// without an account counts if it has an order of Boulder, Let's Encrypt's CA, whose URL names the account.
pub fn belongs_to<'a>(noted: impl Fn(&str) -> Option<&'a str>, leaf: &Fingerprint, account: &str) -> bool {
    // A note only applies to the certificate with which it was written.
    if noted(annotation::ISSUED_SHA256) != Some(leaf.to_string().as_str()) {
        return false;
    }
    match noted(annotation::ISSUED_ACCOUNT) {
        Some(of) => of == account,
        None => noted(annotation::ISSUED_ORDER)
            .and_then(account_of)
            .is_some_and(|of| of == account),
    }
}

/// The account of an order of Boulder: `https://HOST/acme/order/ACCOUNT/ORDER` belongs to `https://HOST/acme/acct/ACCOUNT`.
fn account_of(order: &str) -> Option<String> {
    let (host, rest) = order.split_once("/acme/order/")?;
    let (account, number) = rest.split_once('/')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(account) && is_number(number)).then(|| format!("{host}/acme/acct/{account}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_note_says_whose_a_certificate_is() {
        let leaf = Fingerprint::of(b"leaf");
        let own = leaf.to_string();
        let account = "https://acme-v02.api.letsencrypt.org/acme/acct/17";
        let order = "https://acme-v02.api.letsencrypt.org/acme/order/17/9001";
        let says = |all: &[(&'static str, &'static str)], sha256: &str, account: &str| {
            let noted = |key: &str| match key {
                annotation::ISSUED_SHA256 => Some(sha256),
                _ => all.iter().find(|(own, _)| *own == key).map(|(_, value)| *value),
            };
            belongs_to(noted, &leaf, account)
        };
        let noted = [(annotation::ISSUED_ACCOUNT, account)];
        let ordered = [(annotation::ISSUED_ORDER, order)];
        assert!(says(&noted, &own, account));
        assert!(says(&ordered, &own, account), "Let's Encrypt's order names its account");
        assert!(!says(&noted, "ab12", account), "the note is about another certificate");
        assert!(!says(&[], &own, account));
        for other in [
            "https://acme-v02.api.letsencrypt.org/acme/acct/1",
            "https://acme-staging-v02.api.letsencrypt.org/acme/acct/17",
        ] {
            assert!(!says(&noted, &own, other) && !says(&ordered, &own, other), "{other}");
        }
        // The account that is noted decides, whatever the order's URL looks like.
        let both = [(annotation::ISSUED_ACCOUNT, "https://ca.example/a/1"), ordered[0]];
        assert!(!says(&both, &own, account) && says(&both, &own, "https://ca.example/a/1"));
        let pebble = [(annotation::ISSUED_ORDER, "https://localhost:14000/my-order/17/9001")];
        assert!(!says(&pebble, &own, "https://localhost:14000/acme/acct/17"));
    }
}
