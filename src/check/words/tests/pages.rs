//! The pages of the catalogue, which `explain` prints.

use super::asks_for_missing_subcommand;
use crate::check::Reason;

const INDEX: &str = include_str!("../../../../docs/findings/README.md");

#[test]
fn a_page_fits_a_terminal_and_tells_severity_near_misses_and_sources() {
    for reason in Reason::ALL {
        let page = reason.page();
        for part in ["\nSee: ", "Not this finding: ", "\nSeverity: "] {
            assert!(page.contains(part), "{reason}: {part:?} is missing");
        }
        let severity = format!("\nSeverity: {}", reason.severity().as_str());
        assert!(page.contains(&severity), "{reason}: {severity:?} is missing");
        assert!(
            (15..=60).contains(&page.lines().count()),
            "{reason}: too short or too long"
        );
        for line in page.lines() {
            assert!(line.chars().count() <= 100, "{reason}: {line}");
            assert!(!line.contains('\t') && !line.starts_with('<'), "{reason}: {line}");
        }
    }
}

#[test]
fn a_page_names_no_subcommand_that_is_missing_and_removes_nothing() {
    for reason in Reason::ALL {
        let page = reason.page();
        assert!(!asks_for_missing_subcommand(page), "{reason}");
        assert!(!page.contains("kubectl delete"), "{reason}");
    }
}

#[test]
fn a_page_refers_only_to_reasons_that_exist() {
    for reason in Reason::ALL {
        for (at, found) in reason.page().match_indices("kubectl certs explain ") {
            let rest = &reason.page()[at + found.len()..];
            let name: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
            assert!(name.parse::<Reason>().is_ok(), "{reason} refers to {name:?}");
        }
        for (at, found) in reason.page().match_indices("kubectl-certs/ignore: ") {
            let rest = &reason.page()[at + found.len()..];
            assert!(rest.starts_with(reason.as_str()), "{reason}: ignores another reason");
        }
    }
}

#[test]
fn the_index_has_every_reason_with_its_severity_in_order() {
    let mut rest = INDEX;
    for reason in Reason::ALL {
        let line = format!("- [{reason}]({reason}.md) ({}): ", reason.severity().as_str());
        let at = rest.find(&line);
        assert!(at.is_some(), "{line:?} is missing or out of order");
        rest = &rest[at.unwrap_or(0)..];
    }
}
