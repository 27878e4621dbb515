//! The older text format of Prometheus (0.0.4), which agents and `promtool check metrics` read, from `OpenMetrics`.
//!
//! They differ in what counters are called above their samples, in units, and in the last line
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::{collections::BTreeSet, fmt::Write as _};

/// The same metrics in the older format.
pub(super) fn of(open: &str) -> String {
    let counters: BTreeSet<&str> = open
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
    let mut text = String::with_capacity(open.len());
    for line in open.lines() {
        let Some(about) = line.strip_prefix("# ") else {
            let _ = writeln!(text, "{line}");
            continue;
        };
        let mut words = about.splitn(3, ' ');
        if let (Some(word @ ("HELP" | "TYPE")), Some(name), Some(rest)) = (words.next(), words.next(), words.next()) {
            let total = if counters.contains(name) { "_total" } else { "" };
            let _ = writeln!(text, "# {word} {name}{total} {rest}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_have_the_name_of_their_samples_and_units_and_the_end_are_left_out() {
        let open = "# HELP a How many.\n# TYPE a counter\na_total{x=\"# TYPE\"} 1\n# HELP b_seconds When.\n\
                    # TYPE b_seconds gauge\n# UNIT b_seconds seconds\nb_seconds 2\n# EOF\n";
        assert_eq!(
            of(open),
            "# HELP a_total How many.\n# TYPE a_total counter\na_total{x=\"# TYPE\"} 1\n# HELP b_seconds When.\n\
             # TYPE b_seconds gauge\nb_seconds 2\n"
        );
    }
}
