//! The coming year of orders, with certificates of several lifetimes: tables for people and what to do, or JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::present::grid::padded;
use crate::{
    object::Seconds,
    plan::{
        forecast::{Advice, Course, Held, NewNames, Week},
        limits::{Limit, LimitOf, Limits},
    },
    text::{
        Clear, counted, grouped,
        time::{DAY, HOUR, age, date, date_time},
        width::cut,
    },
};

/// The most cells of what a limit is about, unless everything is shown.
const OF: usize = 60;
/// The most weeks with a limit that are shown for each lifetime, unless everything is.
const WEEKS: usize = 8;

/// What is shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The name of the CA.
    pub issuer: &'a str,
    /// The URL of its directory.
    pub directory: &'a str,
    /// The URL of the account.
    pub account: Option<&'a str>,
    /// The limits; `None` where they are not known.
    pub limits: Option<&'a Limits>,
    /// How many certificates will be renewed.
    pub certificates: usize,
    /// How many Secrets wait for their first certificate.
    pub absent: usize,
    /// The year with each lifetime.
    pub courses: &'a [Course],
    /// What is to be done.
    pub advice: &'a [Advice],
    /// When it was judged, in seconds since 1970.
    pub now: Seconds,
    /// Until when the forecast goes.
    pub until: Seconds,
}

/// For people. With `wide`, every week and nothing cut. Cleared.
pub fn text(shown: &Shown<'_>, wide: bool) -> String {
    let mut out = format!("{}\n", Clear(shown.issuer));
    let account = match shown.account {
        Some(url) => format!("account {url}"),
        None => "there is no account yet: none of its orders are counted".to_owned(),
    };
    let _ = writeln!(out, "  {}\n", Clear(&account));
    let absent = match shown.absent {
        0 => String::new(),
        1 => ", and 1 Secret waits for its first one".to_owned(),
        many => format!(", and {} Secrets wait for their first one", grouped(many)),
    };
    let _ = writeln!(
        out,
        "{} will be renewed until {}{absent}.\n",
        many(shown.certificates, "certificate"),
        date(shown.until)
    );
    out.push_str(&lines(&courses(shown.courses)));
    for course in shown.courses {
        out.push_str(&held(course, wide));
    }
    if let Some(new) = shown.courses.first().and_then(|course| course.new_names.as_ref()) {
        let _ = writeln!(out, "\n{}", new_names(new, shown.limits));
    }
    out.push_str("\nWhat to do now:\n");
    for advice in shown.advice {
        let _ = writeln!(out, "- {}", Clear(&words(advice)));
    }
    out
}

fn lines(cells: &[Vec<String>]) -> String {
    let shown: Vec<&[String]> = cells.iter().map(Vec::as_slice).collect();
    padded(&shown).map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn many(count: usize, word: &str) -> String {
    if count == 1 {
        counted(count, word)
    } else {
        format!("{} {word}s", grouped(count))
    }
}

/// `90d`, `160h`: as it is written on the command line.
fn lifetime(seconds: Seconds) -> String {
    if seconds % DAY == 0 {
        format!("{}d", seconds / DAY)
    } else {
        format!("{}h", seconds / HOUR)
    }
}

/// Hours, as long as people count in them, rounded.
fn hours(seconds: Seconds) -> String {
    if (2 * HOUR..1_000 * HOUR).contains(&seconds) {
        format!("{} h", (seconds + HOUR / 2) / HOUR)
    } else {
        age(seconds)
    }
}

/// One line for each lifetime.
fn courses(all: &[Course]) -> Vec<Vec<String>> {
    let head = [
        "LIFETIME",
        "ORDERS",
        "A WEEK",
        "BUSIEST DAY",
        "ON",
        "IN WINDOW",
        "SAME NAMES",
        "NEW",
        "HELD UP",
        "LONGEST",
        "TOO LATE",
    ];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    let number = |count: usize| if count == 0 { "-".to_owned() } else { grouped(count) };
    for course in all {
        let sum = |of: fn(&Week) -> usize| number(course.weeks.iter().map(of).sum());
        let (day, most) = course.busiest;
        let weeks = course.weeks.len().max(1);
        lines.push(vec![
            lifetime(course.lifetime),
            number(course.orders()),
            number(course.orders().div_ceil(weeks)),
            number(most),
            if most == 0 { "-".to_owned() } else { date(day) },
            sum(|week| week.replacements),
            sum(|week| week.same_names),
            sum(|week| week.new),
            number(course.waiting()),
            match course.longest() {
                0 => "-".to_owned(),
                longest => age(longest),
            },
            number(course.late),
        ]);
    }
    lines
}

/// The weeks in which a limit holds up orders.
fn held(course: &Course, wide: bool) -> String {
    let weeks: Vec<&Week> = course.weeks.iter().filter(|week| !week.held.is_empty()).collect();
    if weeks.is_empty() {
        return String::new();
    }
    let most = if wide { usize::MAX } else { WEEKS };
    let head = ["WEEK FROM", "ORDERS", "HELD UP", "LONGEST", "BY"];
    let mut cells = vec![head.map(str::to_owned).to_vec()];
    for week in weeks.iter().take(most) {
        let others = week.held.len() - 1;
        let Some(first) = week.held.first() else { continue };
        let by = Clear(&first.limit.words()).to_string();
        let by = if wide { by } else { cut(&by, OF).into_owned() };
        let longest = week.held.iter().map(|held| held.longest).max().unwrap_or_default();
        cells.push(vec![
            date(week.from),
            grouped(week.orders()),
            grouped(week.waiting()),
            age(longest),
            match others {
                0 => by,
                1 => format!("{by} and 1 other limit"),
                many => format!("{by} and {many} other limits"),
            },
        ]);
    }
    let mut out = format!("\nWith certificates of {}:\n\n", lifetime(course.lifetime));
    out.push_str(&lines(&cells));
    if weeks.len() > most {
        let _ = writeln!(out, "and {} more weeks: -o wide shows them", weeks.len() - most);
    }
    out
}

/// What the new names of the first day come to.
fn new_names(new: &NewNames, limits: Option<&Limits>) -> String {
    let names = many(new.count, "new name");
    let takes = if new.count == 1 { "takes" } else { "take" };
    let Some(limits) = limits else {
        return format!("How long {names} {takes} is not known, because the limits are not.");
    };
    let pace = |limit: Option<Limit>| {
        let limit = limit.map(|limit| (limit.burst(), limit.interval()));
        limit.map_or_else(String::new, |(burst, interval)| {
            format!(": {burst} at once, then one each {}", age(interval))
        })
    };
    match &new.held_by {
        None => format!("{names} {takes} no longer than their orders: no limit holds them up."),
        Some(LimitOf::Orders) => format!(
            "{names} {takes} {} with one account{}.",
            hours(new.takes),
            pace(limits.orders)
        ),
        Some(limit @ LimitOf::Domain(_)) => format!(
            "{names} {takes} {}, because of the limit of {}{}.",
            hours(new.takes),
            Clear(&limit.words()),
            pace(limits.domain)
        ),
        Some(limit) => format!(
            "{names} {takes} {}, because of the limit of {}.",
            hours(new.takes),
            Clear(&limit.words())
        ),
    }
}

/// What is to be done, in whole sentences. Not cleared.
fn words(advice: &Advice) -> String {
    match advice {
        Advice::TellLimits => {
            "The rate limits of this CA are not known: `rateLimits` of the issuer in the settings says \
             what they are."
                .to_owned()
        }
        Advice::Nothing => "Nothing: no limit of the CA holds up an order with any of these lifetimes.".to_owned(),
        Advice::Spread { a_day } => format!(
            "Let new names come over more days: one account gets {} new certificates a day. Renewals of the same names do not \
             count. Ask the CA beforehand whether it raises the limit for your account, or put names that belong together \
             into one certificate.",
            grouped(usize::try_from(*a_day).unwrap_or_default())
        ),
        Advice::Join { domain, a_week } => format!(
            "Use fewer certificates for {domain}: a wildcard, or several hosts in one certificate. All accounts together get \
             {a_week} new ones a week for it; renewals of the same names do not count. The CA may raise the limit if it is \
             asked."
        ),
        Advice::Share { set, lifetime: of } => format!(
            "Let the Secrets with exactly the names {set} share one certificate, before certificates live for {} or less: each \
             of their renewals counts towards the same limit.",
            lifetime(*of)
        ),
        Advice::Mend { name } => format!(
            "Find out why {name} fails before it is ordered again: `kubectl certs preflight` tells, and each failure delays the \
             next try."
        ),
        Advice::Early { late, lifetime: of } => format!(
            "With certificates of {}, {} would end before the limits permit the next order: do what is said below before that \
             lifetime comes.",
            lifetime(*of),
            many(*late, "certificate")
        ),
    }
}

/// One document, with a newline at the end.
pub fn json(shown: &Shown<'_>) -> String {
    let limit = |limit: &LimitOf| {
        let of = Some(limit.which()).filter(|of| !of.is_empty());
        let word = match limit {
            LimitOf::Orders => "orders",
            LimitOf::Domain(_) => "certificatesPerDomain",
            LimitOf::SameNames(_) => "sameNames",
            LimitOf::Failures(_) => "failures",
        };
        json!({"limit": word, "of": of})
    };
    let held = |held: &Held| {
        let mut value = limit(&held.limit);
        value["orders"] = held.orders.into();
        value["longestSeconds"] = held.longest.into();
        value
    };
    let week = |week: &Week| {
        json!({
            "from": date_time(week.from), "orders": week.orders(), "new": week.new, "sameNames": week.same_names,
            "replacements": week.replacements, "heldUp": week.waiting(), "limits": week.held.iter().map(held).collect::<Vec<Value>>(),
        })
    };
    let course = |course: &Course| {
        json!({
            "lifetimeSeconds": course.lifetime, "orders": course.orders(), "heldUp": course.waiting(),
            "longestSeconds": course.longest(), "tooLate": course.late,
            "busiestDay": {"from": date_time(course.busiest.0), "orders": course.busiest.1},
            "newNames": course.new_names.as_ref().map(|new| json!({
                "names": new.count, "takesSeconds": new.takes, "heldBy": new.held_by.as_ref().map(limit),
            })),
            "weeks": course.weeks.iter().map(week).collect::<Vec<Value>>(),
        })
    };
    let document = json!({
        "apiVersion": "kubectl-certs/v1", "kind": "Forecast", "evaluatedAt": date_time(shown.now), "until": date_time(shown.until),
        "issuer": shown.issuer, "directory": shown.directory, "account": shown.account, "known": shown.limits.is_some(),
        "certificates": shown.certificates, "absent": shown.absent,
        "items": shown.courses.iter().map(course).collect::<Vec<Value>>(),
        "advice": shown.advice.iter().map(words).collect::<Vec<String>>(),
    });
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Seconds = 1_800_000_000;

    fn course() -> Course {
        let first = Week {
            from: NOW,
            new: 30_000,
            same_names: 120,
            replacements: 0,
            held: vec![Held {
                limit: LimitOf::Orders,
                orders: 29_700,
                longest: 297 * HOUR,
            }],
        };
        let second = Week {
            from: NOW + 7 * DAY,
            same_names: 80,
            ..Week::default()
        };
        Course {
            lifetime: 45 * DAY,
            weeks: vec![first, second],
            busiest: (NOW, 30_018),
            late: 0,
            new_names: Some(NewNames {
                count: 30_000,
                takes: 297 * HOUR,
                held_by: Some(LimitOf::Orders),
            }),
        }
    }

    fn shown<'a>(courses: &'a [Course], advice: &'a [Advice], limits: Option<&'a Limits>) -> Shown<'a> {
        Shown {
            issuer: "letsencrypt",
            directory: "https://ca.example/directory",
            account: Some("https://ca.example/acct/1"),
            limits,
            certificates: 1_200,
            absent: 2,
            courses,
            advice,
            now: NOW,
            until: NOW + 365 * DAY,
        }
    }

    #[test]
    fn people_read_what_binds_in_which_week_and_what_to_do_now() {
        let (courses, advice) = ([course()], [Advice::Spread { a_day: 2_400 }]);
        let text = text(&shown(&courses, &advice, Some(&Limits::PRODUCTION)), false);
        insta::assert_snapshot!(text);
        assert!(
            text.contains("30,000 new names take 297 h with one account: 300 at once, then one each 36s."),
            "{text}"
        );
    }

    /// 1,000 certificates of 100 domains that are renewed in the coming 60 days, 8 of them with the same names, and 70 new hosts of one
    /// domain: the year of the controller's own moments with the limits of Let's Encrypt.
    fn years() -> (Vec<Course>, Vec<Advice>) {
        use crate::{
            controller::moment,
            plan::{
                forecast::{Kept, Year, advice},
                limits::{Buckets, OrderKind},
            },
        };
        let one = |host: String, number: i64, kind: OrderKind| Kept {
            names: vec![host.parse().unwrap()],
            at: NOW + number * 60 * DAY / 1_000,
            until: (kind != OrderKind::New).then_some(NOW + number * 60 * DAY / 1_000 + 30 * DAY),
            kind,
            again: OrderKind::SameNames,
            seed: number.unsigned_abs(),
        };
        let renewed = (0..992).map(|n| one(format!("h{n}.d{}.example", n % 100), n, OrderKind::SameNames));
        let same = (992..1_000).map(|n| one("www.shop.example".to_owned(), n, OrderKind::SameNames));
        let new = (0..70).map(|n| one(format!("new{n}.shop.example"), 0, OrderKind::New));
        let kept: Vec<Kept> = renewed.chain(same).chain(new).collect();
        let year = Year {
            limits: Some(&Limits::PRODUCTION),
            known: &Buckets::default(),
            kept: &kept,
            new_names: 70,
            moment: moment::of_share,
            backdated: HOUR,
            now: NOW,
            until: NOW + 365 * DAY,
        };
        let courses: Vec<Course> = [90 * DAY, 64 * DAY, 45 * DAY, 160 * HOUR]
            .map(|lifetime| year.with(lifetime))
            .into();
        let advice = advice(&courses, Some(&Limits::PRODUCTION));
        (courses, advice)
    }

    #[test]
    fn a_year_of_a_thousand_certificates_is_told_for_each_lifetime() {
        let (courses, advice) = years();
        let shown = Shown {
            certificates: 1_000,
            absent: 70,
            ..shown(&courses, &advice, Some(&Limits::PRODUCTION))
        };
        insta::assert_snapshot!(text(&shown, false));
        assert_eq!(courses[0].late, 0);
    }

    #[test]
    fn a_script_reads_the_same() {
        let (courses, advice) = ([course()], [Advice::Nothing]);
        let document: Value = serde_json::from_str(&json(&shown(&courses, &advice, None))).unwrap();
        assert_eq!(document["kind"], "Forecast");
        assert_eq!(document["known"], false);
        let item = &document["items"][0];
        assert_eq!((&item["orders"], &item["heldUp"]), (&30_200.into(), &29_700.into()));
        assert_eq!(item["newNames"]["takesSeconds"], 1_069_200);
        assert_eq!(item["weeks"][0]["limits"][0]["limit"], "orders");
        assert_eq!(item["weeks"][1]["limits"], json!([]));
    }

    #[test]
    fn lifetimes_are_written_as_they_are_typed() {
        assert_eq!(lifetime(90 * DAY), "90d");
        assert_eq!(lifetime(160 * HOUR), "160h");
        assert_eq!(hours(297 * HOUR), "297 h");
        assert_eq!(hours(90), "90s");
    }
}
