//! `/` in lists and in texts, and what is pasted.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use crossterm::event::Event;
use kubectl_certs::{
    tui::{
        item::Item,
        keymap::Action,
        model::{SPLIT, View},
        run::Input,
        update::texts::status_command,
    },
    x509::{Fingerprint, pem},
};
use ratatui::style::Modifier;

use super::{
    Desk,
    desk::{place, ui},
    hands::{of_manifests, printed},
};
use crate::support::run::program;

fn paste(desk: &mut Desk, text: &str) {
    desk.comes(Input::Terminal(Event::Paste(text.to_owned())));
}

/// The example's certificate of `wiki.intra.larkspur.example`, as `kubectl get secret` and `base64 -d` print it.
fn wiki_pem() -> String {
    let manifests = std::fs::read_to_string(super::root().join("docs/example/intranet.yaml")).expect("the example");
    let values = manifests
        .lines()
        .filter_map(|line| line.trim().strip_prefix("tls.crt: "));
    let wanted = wiki().certificate.as_ref().expect("a certificate").sha256;
    values
        .filter_map(|value| String::from_utf8(STANDARD.decode(value).ok()?).ok())
        .find(|pem| {
            let first = pem::blocks(pem.as_bytes()).find(pem::Block::is_certificate);
            let der = first.and_then(|block| block.decode(1 << 20).ok());
            der.is_some_and(|der| Fingerprint::of(&der) == wanted)
        })
        .expect("the wiki's certificate")
}

fn wiki() -> &'static Item {
    let mut items = super::example::example().items.iter();
    let wiki = items.find(|item| item.host.as_deref() == Some("wiki.intra.larkspur.example"));
    wiki.expect("the wiki")
}

/// Whether a place of the screen is turned around.
fn is_marked(desk: &Desk, text: &str) -> bool {
    desk.cell(text).modifier.contains(Modifier::REVERSED)
}

#[test]
fn a_pattern_chooses_rows_and_the_command_has_it() {
    let mut desk = of_manifests((200, 50));
    desk.model.at = kubectl_certs::text::parse_time("2026-12-01T12:00:00Z");
    desk.press("/").write(r"re:^(trade|wiki)\.").press("enter");
    let shown: Vec<String> = desk
        .model
        .rows
        .iter()
        .filter_map(|item| item.host.as_ref().map(ToString::to_string))
        .collect();
    let begins = |host: &String| host.starts_with("trade.") || host.starts_with("wiki.");
    assert!(shown.len() > 1 && shown.iter().all(begins), "{shown:?}");
    let mut line = status_command(&desk.model).words;
    line.extend(["-o", "json"].map(str::to_owned));
    let json: serde_json::Value = serde_json::from_str(&printed(&line)).expect("JSON");
    assert_eq!(json["items"].as_array().map(Vec::len), Some(shown.len()), "{line:?}");
    // A dot is a dot unless it is said to be a pattern.
    desk.press("/ ctrl-u")
        .write("w.ki")
        .press("enter")
        .shows("None of 35 rows is chosen by the filter /w.ki.")
        .shows("  esc clears it.");
}

#[test]
fn a_pattern_that_cannot_be_read_says_why_and_hides_nothing() {
    let mut desk = Desk::usual();
    desk.press("/")
        .write("re:(")
        .shows("unclosed group")
        .shows("35 hosts")
        .press("enter");
    desk.shows("filter: unclosed group");
    let output = std::process::Command::new(program())
        .args(["status", "-f", "docs/example", "--filter", "re:("])
        .current_dir(super::root())
        .output()
        .expect("it starts");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("unclosed group"), "{error}");
}

#[test]
fn a_pasted_certificate_or_serial_number_finds_its_row() {
    let pem = wiki_pem();
    let certificate = wiki().certificate.as_ref().expect("a certificate");
    let serial = certificate.serial.to_string();
    let plain = serial.replace(':', "");
    let decimal = plain
        .chars()
        .fold(vec![0_u8], |digits, c| times_sixteen_plus(&digits, c));
    let decimal: String = decimal.iter().rev().map(ToString::to_string).collect();
    let fingerprint: Vec<String> = certificate.sha256.0.iter().map(|byte| format!("{byte:02X}")).collect();
    for text in [
        pem.clone(),
        pem.replace('\n', "\r"),
        format!("subject=CN=wiki\n{pem}\n{pem}"),
        serial.clone(),
        format!("serial={}\n", plain.to_uppercase()),
        decimal,
        format!("SHA256 Fingerprint={}", fingerprint.join(":")).replace("SHA256 ", ""),
    ] {
        // Over the list, and where the filter is open already.
        for open in [false, true] {
            let mut desk = Desk::usual();
            if open {
                desk.press("/");
            }
            paste(&mut desk, &text);
            desk.press("enter").shows("1 of 35");
            assert!(desk.selected().contains("wiki.intra"), "{text}\n{}", desk.screen());
        }
    }
}

/// Decimal digits, the last first.
fn times_sixteen_plus(digits: &[u8], c: char) -> Vec<u8> {
    let mut carry = c.to_digit(16).expect("a digit of base 16");
    let mut out = Vec::new();
    for digit in digits {
        carry += u32::from(*digit) * 16;
        out.push(u8::try_from(carry % 10).expect("a digit"));
        carry /= 10;
    }
    while carry > 0 {
        out.push(u8::try_from(carry % 10).expect("a digit"));
        carry /= 10;
    }
    out
}

#[test]
fn a_pasted_key_is_not_kept() {
    let mut desk = Desk::usual();
    let key = rcgen::KeyPair::generate().expect("a key").serialize_pem();
    paste(&mut desk, &key);
    desk.shows("a private key was pasted: nothing of it is kept")
        .shows("35 hosts");
    assert_eq!(desk.model.filter, "");
    let secret = key.lines().nth(1).expect("a line");
    desk.hides(secret);
}

/// The line in which what is looked for was found last.
fn place_of(desk: &Desk) -> usize {
    let sought = desk.model.sought.as_ref();
    sought.and_then(|sought| sought.at).expect("a place")
}

#[test]
fn a_text_is_searched_and_n_goes_on() {
    let mut desk = Desk::new((80, 24));
    desk.press("e").shows("What it means");
    desk.press("/").write("certificate");
    assert!(is_marked(&desk, "certificate"), "as it is typed:\n{}", desk.screen());
    desk.press("enter").shows("n and N go to the others");
    let first = place_of(&desk);
    desk.press("n");
    let second = place_of(&desk);
    assert!(second > first);
    desk.press("N").press("N");
    let last = place_of(&desk);
    assert!(last > second, "from the first to the last");
    desk.press("n");
    assert_eq!(place_of(&desk), first);
    // Case does not count, and a pattern is one only after `re:`.
    desk.press("/").write("CERTIFICATE").press("enter").shows("n and N go");
    desk.press("/")
        .write("c.rtificate")
        .press("enter")
        .shows("this text has no match");
    desk.press("/")
        .write("re:c.rtificate")
        .press("enter")
        .shows("n and N go");
    desk.press("/")
        .write("re:(")
        .press("enter")
        .shows("find: unclosed group");
    desk.press("esc");
    assert_eq!((desk.model.sought.as_ref(), desk.model.popups.len()), (None, 0));
}

#[test]
fn leaving_the_search_leads_back_to_where_it_began() {
    let mut desk = Desk::new((80, 24));
    desk.press("? j j j");
    let before = desk.model.popups.last().cloned();
    desk.press("/").write("OSC 52").shows("OSC 52");
    assert_ne!(desk.model.popups.last().cloned(), before);
    desk.press("esc");
    assert_eq!(desk.model.popups.last().cloned(), before);
}

#[test]
fn the_help_is_searched_at_every_size() {
    for size in [(60, 15), (80, 24), (120, 40), (200, 50)] {
        let mut desk = Desk::new(size);
        desk.press("?").press("/").write("OSC 52").press("enter");
        assert!(is_marked(&desk, "OSC 52"), "{size:?}\n{}", desk.screen());
        let shown = desk.screen();
        assert!(shown.contains("line 1 of 1") || size.1 < 24, "{shown}");
    }
}

#[test]
fn the_help_stands_in_columns_where_there_is_room() {
    let mut desk = Desk::new((200, 50));
    desk.press("?")
        .shows("In this view: hosts")
        .shows("Commands")
        .shows(":rollback");
    let (x, _) = desk.find("Commands");
    assert!(x > 100, "in the last column");
    let mut desk = Desk::new((80, 24));
    desk.press("?").shows("In this view: hosts").hides("Commands");
}

#[test]
fn a_picture_that_has_the_keys_is_searched_and_a_table_is_filtered() {
    // In place of the table.
    let mut desk = Desk::new((80, 24));
    desk.press("enter")
        .press("/")
        .write("checkout")
        .press("enter")
        .shows("n and N go");
    assert!(desk.model.filter.is_empty());
    // Beside the table it is searched when it has the keys.
    let mut desk = Desk::new((SPLIT, 40));
    desk.press("enter").press("/").write("blog").press("enter");
    assert_eq!(desk.model.filter, "blog");
    let mut desk = Desk::new((SPLIT, 40));
    desk.press("enter tab").press("/").write("checkout").press("enter");
    assert!(desk.model.filter.is_empty() && desk.model.sought.is_some());
    // `N` sorts where a table has the keys, and finds where a text has them.
    desk.press("tab N");
    assert_eq!(desk.model.rows.sort().by, Action::SortName.field());
    assert_eq!(desk.model.view, View::Hosts);
}

#[test]
fn what_is_cut_ends_in_ascii_where_the_terminal_has_no_more() {
    let narrow = kubectl_certs::tui::model::Ui { ascii: true, ..ui() };
    let mut desk = Desk::with((60, 15), narrow, place());
    desk.shows("~ ");
    for keys in ["2", "3", "4", "?", "esc enter"] {
        desk.press(keys);
        assert!(desk.screen().is_ascii(), "{}", desk.screen());
    }
}

#[test]
fn a_host_is_cut_after_what_is_less_wanted_and_before_the_status() {
    let mut desk = Desk::new((80, 24));
    let longest = |desk: &Desk| {
        let shown = desk.model.rows.iter().take(18).filter_map(|item| item.host.as_ref());
        shown.map(|host| host.as_str().len()).max().expect("hosts")
    };
    // As many letters as have room, with the namespaces and without.
    for (namespace, length, whole) in [("all", 30, true), ("shop", 41, true), ("shop", 60, false)] {
        let mut item = desk.model.rows.get(0).expect("a row").clone();
        let host = format!("{}.larkspur.example", "a".repeat(length - 17));
        item.host = Some(host.as_str().into());
        desk.tell([kubectl_certs::tui::Message::Rows {
            whole: false,
            set: vec![item],
            gone: Vec::new(),
        }]);
        assert_eq!(longest(&desk), length);
        desk.command(&format!("ns {namespace}"));
        if whole {
            desk.shows(&host);
        } else {
            desk.hides(&host).shows("aaaaaaaaaaa");
        }
        desk.shows("✗ critical").shows("7d5h ago").shows("REASON");
    }
}
