//! The public suffix list (<https://publicsuffix.org>). It is queried in one place only, because the lookup function of
//! the crate is generic, and each further call would compile its tables into the program again.

/// The section of the list that has a suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Registries, such as `com` and `co.uk`.
    Icann,
    /// Owners who let others use names below theirs, such as `web.app`.
    Private,
}

/// The public suffix of a name in lower case, and its section, which is `None` if no rule of the list has it (such as
/// `internal`).
///
/// `None` for a name without a label.
#[inline(never)]
pub fn public_suffix(name: &str) -> Option<(&str, Option<Section>)> {
    let suffix = psl::suffix(name.as_bytes())?;
    let section = suffix.typ().map(|section| match section {
        psl::Type::Icann => Section::Icann,
        psl::Type::Private => Section::Private,
    });
    let text = name.get(name.len().checked_sub(suffix.as_bytes().len())?..)?;
    Some((text, section))
}

/// The registered domain of a name: its public suffix and the label before it. `None` for a suffix.
pub fn registered_domain(name: &str) -> Option<&str> {
    let (suffix, _) = public_suffix(name)?;
    let before = name.strip_suffix(suffix)?.strip_suffix('.')?;
    let label = before.rsplit('.').next().filter(|label| !label.is_empty())?;
    name.get(name.len() - suffix.len() - 1 - label.len()..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_is_told_with_its_section() {
        for (name, expected) in [
            ("www.shop.co.uk", Some(("co.uk", Some(Section::Icann)))),
            ("shop.web.app", Some(("web.app", Some(Section::Private)))),
            ("db.shop.internal", Some(("internal", None))),
            ("com", Some(("com", Some(Section::Icann)))),
            ("", None),
        ] {
            assert_eq!(public_suffix(name), expected, "{name:?}");
        }
    }

    #[test]
    fn a_registered_domain_is_one_label_below_the_suffix() {
        for (name, expected) in [
            ("www.shop.co.uk", Some("shop.co.uk")),
            ("shop.co.uk", Some("shop.co.uk")),
            ("a.b.shop.web.app", Some("shop.web.app")),
            ("db.shop.internal", Some("shop.internal")),
            ("co.uk", None),
            (".com", None),
            ("", None),
        ] {
            assert_eq!(registered_domain(name), expected, "{name:?}");
        }
    }
}
