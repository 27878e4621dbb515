//! What servers showed against what is stored, and what DNS says.

use std::{io, net::IpAddr};

use super::{
    Dns, Show, ShowSubject, ShownCertificate,
    heading::joined,
    pen::{Pen, Piece, Sign},
};
use crate::{
    check::row::Status,
    object::Seconds,
    text::{age, date},
};

pub(super) fn served(pen: &mut Pen<'_>, show: &Show<'_>) -> io::Result<()> {
    let all = show.served;
    if all.is_empty() {
        return Ok(());
    }
    pen.title("Served")?;
    // The one chain of a server has been drawn already, and nothing is stored beside it.
    let drawn = matches!(show.subject, ShowSubject::Server { .. }) && all.len() == 1;
    // Nothing was read that it could be compared with.
    let alone = show.bindings.iter().any(|binding| binding.row.is_without_secrets());
    let one_host = all.windows(2).all(|w| w[0].host == w[1].host);
    for probed in all {
        let mut head = vec![pen.plain(&probed.address)];
        if !one_host {
            head.push(pen.dim(&format!(" for {}", probed.host)));
        }
        head.push(Piece::gap());
        match &probed.outcome {
            Err(why) => {
                head.push(pen.marked(Status::Critical, why));
                pen.flow("  ", "      ", &head)?;
            }
            Ok(shown) => {
                head.push(if drawn || (alone && shown.leaf.is_some()) {
                    pen.marked(Status::Healthy, "answers")
                } else {
                    compared(pen, shown)
                });
                pen.flow("  ", "      ", &head)?;
                let facts = facts(pen, shown);
                pen.flow("      ", "      ", &facts)?;
                if let Some(leaf) = shown.leaf.filter(|_| shown.stored != Some(true) && !drawn) {
                    let subject = pen.plain(leaf.subject_or_none().as_ref());
                    pen.field("      ", "subject", &[subject])?;
                    let issuer = pen.plain(&leaf.issuer.short);
                    pen.field("      ", "issuer", &[issuer])?;
                    let sha256 = pen.dim(&leaf.sha256.to_string());
                    pen.field("      ", "sha256", &[sha256])?;
                }
            }
        }
    }
    Ok(())
}

fn compared(pen: &Pen<'_>, shown: &ShownCertificate<'_>) -> Piece {
    match (shown.leaf, shown.stored) {
        (None, _) => pen.marked(Status::Critical, "a certificate that cannot be read"),
        (Some(_), Some(true)) => pen.marked(Status::Healthy, "the stored certificate"),
        (Some(_), Some(false)) => pen.marked(Status::Warning, "a certificate other than the stored one"),
        (Some(_), None) => pen.marked(Status::Info, "a certificate; none is stored to compare it with"),
    }
}

fn facts(pen: &Pen<'_>, shown: &ShownCertificate<'_>) -> Vec<Piece> {
    let mut out = Vec::new();
    if let Some(leaf) = shown.leaf {
        out.push(expiry(pen, leaf.not_after));
    }
    let (n, s) = (shown.length, if shown.length == 1 { "" } else { "s" });
    out.push(pen.dim(&format!("{n} certificate{s}")));
    out.push(pen.dim(shown.tls_version));
    out.extend(shown.alpn.map(|alpn| pen.dim(alpn)));
    out.push(pen.dim(&format!("{} ms", shown.took.as_millis())));
    if shown.client_certificate {
        out.push(pen.plain("asks for a client certificate"));
    }
    joined(pen, out)
}

fn expiry(pen: &Pen<'_>, not_after: Seconds) -> Piece {
    if not_after <= pen.now() {
        let since = age(pen.now().saturating_sub(not_after));
        pen.marked(Status::Critical, &format!("expired {}, {since} ago", date(not_after)))
    } else {
        let left = age(not_after.saturating_sub(pen.now()));
        pen.plain(&format!("expires {}, in {left}", date(not_after)))
    }
}

pub(super) fn dns(pen: &mut Pen<'_>, all: &[Dns<'_>]) -> io::Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    pen.title("DNS")?;
    for one in all {
        let mut pieces = vec![pen.plain(one.host)];
        match &one.resolved {
            Err(why) => {
                pieces.push(Piece::gap());
                pieces.push(pen.marked(Status::Warning, why));
            }
            Ok(addresses) => {
                pieces.push(pen.plain(&format!(" {} {}", pen.sign(Sign::Arrow), list(addresses))));
                pieces.push(Piece::gap());
                pieces.push(match (one.elsewhere, one.expected) {
                    (true, expected) => {
                        let words = format!("elsewhere: the route is at {}", list(expected));
                        pen.marked(Status::Warning, &words)
                    }
                    (false, []) => pen.dim("the route's own addresses are not known"),
                    (false, expected) if addresses.iter().any(|a| expected.contains(a)) => {
                        pen.marked(Status::Healthy, "the route's")
                    }
                    (false, expected) => pen.dim(&format!("cannot be compared with the route's {}", list(expected))),
                });
            }
        }
        pen.flow("  ", "      ", &pieces)?;
    }
    Ok(())
}

fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
