//! The public suffix list (<https://publicsuffix.org>), asked in one place: the look-up of the crate is generic, and each further call of
//! it would compile its tables into the program once more.

/// In which section of the list a suffix stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Registries: `com`, `co.uk`.
    Icann,
    /// Owners who let others have names below theirs: `web.app`.
    Private,
}

/// The public suffix of a name in lower case, and its section: `None` for one that no rule of the list has, such as `internal`.
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

/// The domain that its owner has registered: the public suffix of a name and the label before it. `None` for a suffix.
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
