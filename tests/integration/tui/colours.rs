//! What snapshots do not hold: colours, and that no meaning is in them alone.

use kubectl_certs::tui::{
    Message, Ui,
    order::Stage,
    theme::{Theme, ThemeName},
};
use ratatui::style::{Color, Modifier};

use super::{
    Desk,
    desk::{place, ui},
    hostile,
    popups::begin,
    runs::{of_checkout, planned},
    states::read_only,
};

fn themed(named: ThemeName) -> Ui {
    Ui {
        theme: Theme::new(named),
        ..ui()
    }
}

/// Keys that lead through every view and window.
const EVERYWHERE: [&str; 16] = [
    "",
    "enter",
    "2",
    "3",
    "4",
    "6",
    "?",
    "R",
    "c",
    "z",
    "e",
    "o",
    "L",
    "y",
    "space space /",
    "ctrl-w H",
];

#[test]
fn critical_is_red_and_bold_and_healthy_is_green() {
    let mut desk = Desk::usual();
    desk.press("j");
    let critical = desk.cell("critical  shop");
    assert_eq!(critical.fg, Color::Red);
    assert!(critical.modifier.contains(Modifier::BOLD));
    assert_eq!(desk.cell("warning   shop").fg, Color::Yellow);
    assert_eq!(desk.cell("healthy   roastery").fg, Color::Green);
    assert_eq!(desk.cell("7d5h ago").fg, Color::Red, "what has expired");
    assert!(desk.cell("STATUS").modifier.contains(Modifier::BOLD));
}

#[test]
fn the_line_under_the_cursor_is_turned_around() {
    let mut desk = Desk::usual();
    for x in 0..120 {
        assert!(
            desk.buffer()[(x, 4)].modifier.contains(Modifier::REVERSED),
            "column {x}"
        );
        assert!(
            !desk.buffer()[(x, 5)].modifier.contains(Modifier::REVERSED),
            "column {x}"
        );
    }
    desk.press("enter enter");
    assert!(
        !desk.buffer()[(10, 4)].modifier.contains(Modifier::REVERSED),
        "the keys scroll the picture now"
    );
    assert!(desk.buffer()[(10, 4)].modifier.contains(Modifier::UNDERLINED));
}

#[test]
fn badges_are_loud() {
    let mut desk = Desk::usual();
    let badge = desk.cell("REHEARSAL letsencrypt-staging");
    assert_eq!(badge.fg, Color::Yellow);
    assert!(badge.modifier.contains(Modifier::REVERSED | Modifier::BOLD));
    desk.press("R").tell([planned(1, of_checkout(Stage::Production))]);
    let badge = desk.cell("PRODUCTION letsencrypt");
    assert_eq!(badge.fg, Color::Red);
    assert!(badge.modifier.contains(Modifier::REVERSED | Modifier::BOLD));
}

#[test]
fn a_key_that_cannot_be_used_is_dim() {
    let mut desk = Desk::usual();
    let dim = |desk: &Desk, hint: &str| desk.cell(hint).modifier.contains(Modifier::DIM);
    assert!(!dim(&desk, "R renew") && !dim(&desk, "e explain"));
    desk.press("G");
    assert!(
        dim(&desk, "e explain") && !dim(&desk, "R renew"),
        "nothing is wrong there"
    );
    let desk = Desk::with((120, 40), read_only(), place());
    assert!(dim(&desk, "R renew") && !dim(&desk, "/ filter"));
    let desk = Desk::dark((120, 40), ui(), place());
    assert!(dim(&desk, "R renew") && dim(&desk, "y yaml") && dim(&desk, "space mark"));
}

#[test]
fn lights_have_signs_and_colours() {
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Production);
    let done = super::runs::course("checkout.larkspur.example").into_iter().take(6);
    desk.tell(done.map(|kind| super::runs::happened(2, &super::runs::checkout(), kind)));
    assert_eq!(desk.cell("✓ take").fg, Color::Green);
    assert_eq!(desk.cell("◐ write").fg, Color::Cyan);
    assert!(desk.cell("○ restart").modifier.contains(Modifier::DIM));
}

#[test]
fn without_colour_there_is_none() {
    for keys in EVERYWHERE {
        let mut desk = Desk::with((120, 40), themed(ThemeName::None), place());
        desk.press(keys);
        for cell in &desk.buffer().content {
            assert_eq!(
                (cell.fg, cell.bg),
                (Color::Reset, Color::Reset),
                "{keys}: {:?}",
                cell.symbol()
            );
        }
    }
    let desk = Desk::with((120, 40), themed(ThemeName::None), place());
    assert!(desk.cell("critical  shop").modifier.contains(Modifier::BOLD));
    assert!(desk.cell("REHEARSAL l").modifier.contains(Modifier::REVERSED));
}

#[test]
fn themes_differ_in_colours_alone() {
    let terminal = Desk::usual().screen();
    for named in [
        ThemeName::Dark,
        ThemeName::Light,
        ThemeName::HighContrast,
        ThemeName::None,
    ] {
        let desk = Desk::with((120, 40), themed(named), place());
        assert_eq!(desk.screen(), terminal, "{named:?}");
    }
    let many = |cell: &ratatui::buffer::Cell| matches!(cell.fg, Color::Indexed(_) | Color::Rgb(..));
    let usual = Desk::usual();
    assert!(
        !usual.buffer().content.iter().any(many),
        "sixteen colours are all that every terminal has"
    );
    let own = [("critical".to_owned(), "#d75f00".to_owned())].into();
    let theme = Theme::default().with(&own).expect("colours");
    let desk = Desk::with((120, 40), Ui { theme, ..ui() }, place());
    assert_eq!(desk.cell("critical  shop").fg, Color::Rgb(0xd7, 0x5f, 0));
}

#[test]
fn only_ascii_is_drawn_where_nothing_else_can_be() {
    for keys in EVERYWHERE {
        let mut desk = Desk::with((120, 40), Ui { ascii: true, ..ui() }, place());
        desk.press(keys);
        ascii(&desk, keys);
    }
    let mut desk = Desk::with((120, 40), Ui { ascii: true, ..ui() }, place());
    begin(&mut desk, Stage::Production);
    let told = super::runs::course("checkout.larkspur.example").into_iter().take(6);
    desk.tell(told.map(|kind| super::runs::happened(2, &super::runs::checkout(), kind)));
    ascii(&desk, "a run");
    for keys in EVERYWHERE {
        let mut desk = Desk::dark((120, 40), Ui { ascii: true, ..ui() }, place());
        desk.tell([
            super::desk::whole(hostile::items()),
            Message::Read { live: true, took_ms: 1 },
        ])
        .press(keys);
        ascii(&desk, keys);
    }
}

#[track_caller]
fn ascii(desk: &Desk, keys: &str) {
    let other = desk.buffer().content.iter().find(|cell| !cell.symbol().is_ascii());
    assert!(
        other.is_none(),
        "{keys}: {:?} in\n{}",
        other.map(ratatui::buffer::Cell::symbol),
        desk.screen()
    );
}
