//! What is left of rate limits, and what is ahead: a table for people, or JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::present::grid::padded;
use crate::{
    object::Seconds,
    plan::limits::{Bound, Forecast, Left, LimitOf, Week},
    text::{
        Clear, counted,
        time::{DAY, age, date, date_time},
        width::cut,
    },
};

/// The most cells of what a limit is about, unless everything is shown.
const OF: usize = 50;

/// What is shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The name of the CA.
    pub issuer: &'a str,
    /// The URL of its directory.
    pub directory: &'a str,
    /// The URL of the account.
    pub account: Option<&'a str>,
    /// The registered domain that was asked for.
    pub domain: Option<&'a str>,
    /// What is left of each limit; `None` where the limits are not known.
    pub left: Option<&'a [Left]>,
    /// What is ahead.
    pub forecast: &'a Forecast,
    /// When it was judged, in seconds since 1970.
    pub now: Seconds,
    /// Until when the forecast goes.
    pub until: Seconds,
}

/// The tables of each issuer, one after the other. With `wide`, with all columns and nothing cut. Cleared.
pub fn tables(all: &[Shown<'_>], wide: bool) -> String {
    let tables: Vec<String> = all.iter().map(|shown| table(shown, wide)).collect();
    tables.join("\n")
}

/// A table of what is left, and one of the weeks ahead.
fn table(shown: &Shown<'_>, wide: bool) -> String {
    let mut out = format!("{}\n", Clear(shown.issuer));
    let account = match shown.account {
        Some(url) => format!("account {url}"),
        None => "there is no account yet: none of its orders and failures are counted".to_owned(),
    };
    let _ = writeln!(out, "  {}", Clear(&account));
    match shown.left {
        None => {
            let _ = writeln!(
                out,
                "  the rate limits of this CA are not known; `rateLimits` of the issuer in the settings says what they are"
            );
        }
        Some(left) => {
            out.push('\n');
            out.push_str(&columns(&lines(left, shown.now, wide), wide));
        }
    }
    out.push('\n');
    out.push_str(&ahead(shown));
    out
}

fn lines(left: &[Left], now: Seconds, wide: bool) -> Vec<Vec<String>> {
    let head = ["LIMIT", "OF", "LEFT", "NEXT IN", "ALL IN", "ONE EACH", "ALL FROM"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    for line in left {
        let (what, of) = words(&line.of);
        let of = Clear(of).to_string();
        let of = if wide { of } else { cut(&of, OF).into_owned() };
        let until = |at: Seconds| if at > now { age(at - now) } else { "-".to_owned() };
        lines.push(vec![
            what.to_owned(),
            of,
            format!("{}/{}", line.left, line.limit.burst()),
            until(line.possible_at),
            until(line.full_at),
            age(line.limit.interval()),
            if line.full_at > now {
                date_time(line.full_at)
            } else {
                "-".to_owned()
            },
        ]);
    }
    lines
}

/// The limit, and what it is about.
fn words(of: &LimitOf) -> (&'static str, &str) {
    match of {
        LimitOf::Orders => ("new orders", "the account"),
        LimitOf::Domain(domain) => ("certificates", domain),
        LimitOf::SameNames(set) => ("same names", set),
        LimitOf::Failures(name) => ("failures", name),
    }
}

fn columns(lines: &[Vec<String>], wide: bool) -> String {
    let count = if wide { usize::MAX } else { 5 };
    let shown: Vec<&[String]> = lines.iter().map(|line| line.get(..count).unwrap_or(line)).collect();
    padded(&shown).map(|line| line + "\n").collect()
}

fn ahead(shown: &Shown<'_>) -> String {
    let weeks = &shown.forecast.weeks;
    let days = (shown.until - shown.now) / DAY;
    let due: usize = weeks.iter().map(Week::orders).sum();
    if due == 0 {
        return format!("Nothing is due within the next {days} days.\n");
    }
    let mut out = format!("{} will be due within the next {days} days:\n\n", counted(due, "order"));
    let head = ["FROM", "DUE", "IN WINDOW", "SAME NAMES", "NEW"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    let number = |count: usize| if count == 0 { "-".to_owned() } else { count.to_string() };
    for week in weeks.iter().filter(|week| week.orders() > 0) {
        lines.push(vec![
            date(week.from),
            number(week.orders()),
            number(week.replacements),
            number(week.same_names),
            number(week.new),
        ]);
    }
    out.push_str(&columns(&lines, true));
    out.push('\n');
    match (shown.left, &shown.forecast.bound) {
        (None, _) => {}
        (Some(_), None) => out.push_str("No limit holds them up.\n"),
        (
            Some(_),
            Some(Bound {
                limit,
                from,
                delayed,
                until,
            }),
        ) => {
            let _ = writeln!(
                out,
                "From {} on, this limit holds up orders first: {}. {} until {} at the latest.",
                date_time(*from),
                Clear(limit),
                if *delayed == 1 {
                    "One order waits".to_owned()
                } else {
                    format!("{delayed} orders wait")
                },
                date_time(*until),
            );
        }
    }
    out
}

/// One document, with a newline at the end: of the first issuer, with the others in it.
pub fn json(all: &[Shown<'_>]) -> String {
    let mut documents = all.iter().map(document);
    let mut first = documents.next().unwrap_or_default();
    let others: Vec<Value> = documents.collect();
    if !others.is_empty() {
        first["others"] = others.into();
    }
    first["apiVersion"] = "kubectl-certs/v1".into();
    first["kind"] = "Limits".into();
    format!("{first:#}\n")
}

/// What is told of one issuer.
fn document(shown: &Shown<'_>) -> Value {
    let left = |line: &Left| {
        let (limit, of) = match &line.of {
            LimitOf::Orders => ("orders", None),
            LimitOf::Domain(domain) => ("certificatesPerDomain", Some(domain)),
            LimitOf::SameNames(set) => ("sameNames", Some(set)),
            LimitOf::Failures(name) => ("failures", Some(name)),
        };
        json!({
            "limit": limit, "of": of, "left": line.left, "burst": line.limit.burst(),
            "intervalSeconds": line.limit.interval(), "possibleAt": date_time(line.possible_at),
            "fullAt": date_time(line.full_at),
        })
    };
    let week = |week: &Week| {
        json!({
            "from": date_time(week.from), "until": date_time(week.until), "due": week.orders(),
            "replacements": week.replacements, "sameNames": week.same_names, "new": week.new,
        })
    };
    let bound = shown.forecast.bound.as_ref().map(|bound| {
        json!({
            "limit": bound.limit, "from": date_time(bound.from), "delayed": bound.delayed,
            "until": date_time(bound.until),
        })
    });
    let items: Option<Vec<Value>> = shown.left.map(|all| all.iter().map(left).collect());
    let weeks: Vec<Value> = shown.forecast.weeks.iter().map(week).collect();
    json!({
        "evaluatedAt": date_time(shown.now),
        "issuer": shown.issuer, "directory": shown.directory, "account": shown.account, "domain": shown.domain,
        "known": shown.left.is_some(), "items": items.unwrap_or_default(),
        "forecast": {"until": date_time(shown.until), "weeks": weeks, "bound": bound},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::limits::Limits;

    const NOW: Seconds = 1_800_000_000;

    fn shown<'a>(left: Option<&'a [Left]>, forecast: &'a Forecast) -> Shown<'a> {
        Shown {
            issuer: "letsencrypt",
            directory: "https://ca.example/directory",
            account: Some("https://ca.example/acct/1"),
            domain: None,
            left,
            forecast,
            now: NOW,
            until: NOW + 90 * 86_400,
        }
    }

    fn left() -> Vec<Left> {
        let limits = Limits::PRODUCTION;
        let line = |of, limit: Option<crate::plan::limits::Limit>, left, possible_at, full_at| Left {
            of,
            limit: limit.unwrap(),
            left,
            possible_at,
            full_at,
        };
        vec![
            line(LimitOf::Orders, limits.orders, 299, NOW, NOW + 36),
            line(LimitOf::Domain("shop.example".into()), limits.domain, 50, NOW, NOW),
            line(
                LimitOf::SameNames("a.shop.example".into()),
                limits.same_names,
                0,
                NOW + 7_200,
                NOW + 500_000,
            ),
        ]
    }

    #[test]
    fn a_table_says_what_is_left_and_what_is_ahead() {
        let week = Week {
            from: NOW,
            until: NOW + 604_800,
            new: 1,
            same_names: 3,
            replacements: 0,
        };
        let forecast = Forecast {
            weeks: vec![week, Week::default()],
            bound: Some(Bound {
                limit: "certificates for shop.example".into(),
                from: NOW,
                delayed: 2,
                until: NOW + 86_400,
            }),
        };
        let left = left();
        assert_eq!(
            table(&shown(Some(&left), &forecast), false),
            "letsencrypt\n\
             \x20 account https://ca.example/acct/1\n\
             \n\
             LIMIT          OF               LEFT      NEXT IN   ALL IN\n\
             new orders     the account      299/300   -         36s\n\
             certificates   shop.example     50/50     -         -\n\
             same names     a.shop.example   0/5       120m      5d18h\n\
             \n\
             4 orders will be due within the next 90 days:\n\
             \n\
             FROM         DUE   IN WINDOW   SAME NAMES   NEW\n\
             2027-01-15   4     -           3            1\n\
             \n\
             From 2027-01-15T08:00:00Z on, this limit holds up orders first: certificates for shop.example. 2 orders wait until \
             2027-01-16T08:00:00Z at the latest.\n"
        );
        let wide = table(&shown(Some(&left), &forecast), true);
        assert!(
            wide.contains("ONE EACH") && wide.contains("2027-01-15T08:00:36Z"),
            "{wide}"
        );
        let one = shown(Some(&left), &forecast);
        let second = Shown {
            issuer: "second",
            left: None,
            ..one
        };
        let both = tables(&[one, second], false);
        assert!(
            both.starts_with("letsencrypt\n") && both.contains("\n\nsecond\n  account"),
            "{both}"
        );
        let document: Value = serde_json::from_str(&json(&[one, second])).unwrap();
        assert_eq!(
            (&document["kind"], &document["issuer"]),
            (&"Limits".into(), &"letsencrypt".into())
        );
        assert_eq!(document["others"][0]["issuer"], "second");
        assert_eq!(document["others"][0]["known"], false);
        let document: Value = serde_json::from_str(&json(&[one])).unwrap();
        assert_eq!(document["others"], Value::Null);
        assert_eq!(document["items"][2]["limit"], "sameNames");
        assert_eq!(document["items"][2]["left"], 0);
        assert_eq!(document["forecast"]["weeks"][0]["due"], 4);
        assert_eq!(document["forecast"]["bound"]["delayed"], 2);
    }

    #[test]
    fn unknown_limits_and_a_missing_account_are_said() {
        let forecast = Forecast::default();
        let mut all = shown(None, &forecast);
        all.account = None;
        let text = table(&all, false);
        assert!(
            text.contains("are not known") && text.contains("there is no account yet"),
            "{text}"
        );
        assert!(text.contains("Nothing is due within the next 90 days."), "{text}");
    }
}
