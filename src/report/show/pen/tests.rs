use proptest::prelude::*;

use super::*;
use crate::report::show::paper::Ink;
use crate::text::clear::is_unsafe;

fn flow(texts: &[String], columns: usize, ascii: bool) -> String {
    let context = Context {
        now: 0,
        colour: false,
        width: columns,
        ascii,
    };
    let mut out = Vec::new();
    let mut ink = Ink {
        colour: false,
        out: &mut out,
    };
    let mut pen = Pen::new(context, &mut ink);
    let pieces: Vec<Piece> = texts.iter().map(|t| pen.plain(t)).collect();
    pen.flow("  ", "    ", &pieces).expect("a Vec takes every write");
    String::from_utf8(out).expect("UTF-8")
}

proptest! {
    #[test]
    fn every_line_fits_and_nothing_but_spaces_is_lost(
        texts in proptest::collection::vec("(\\PC|[a-z0 `\u{a0}\u{fe0f}日\n\x1b]){0,60}", 0..4), columns in 40usize..90,
    ) {
        let text = flow(&texts, columns, false);
        for line in text.lines() {
            prop_assert!(width(line) <= columns, "{columns}: {line:?}");
            prop_assert!(!line.chars().any(is_unsafe));
        }
        let letters = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let cleaned: String = texts.iter().map(|t| Clear(t).to_string()).collect();
        prop_assert_eq!(letters(&text), letters(&cleaned));
    }

    #[test]
    fn ascii_is_ascii(texts in proptest::collection::vec("\\PC{0,60}", 0..4)) {
        prop_assert!(flow(&texts, 60, true).is_ascii());
    }
}

#[test]
fn a_command_stays_in_one_piece_and_a_lone_backquote_is_a_letter() {
    let context = Context {
        now: 0,
        colour: false,
        width: 40,
        ascii: true,
    };
    let draw = |text: &str| {
        let mut out = Vec::new();
        let mut ink = Ink {
            colour: context.colour,
            out: &mut out,
        };
        let mut pen = Pen::new(context, &mut ink);
        let piece = pen.with_commands(text);
        pen.flow("", "", &[piece]).expect("a Vec takes every write");
        String::from_utf8(out).expect("UTF-8")
    };
    let command = "`kubectl get secret a-long-name -n a-longer-namespace -o yaml`";
    assert_eq!(draw(&format!("See {command}.")), format!("See\n{command}.\n"));
    let lone = "`a b c d e f g h i j k l m n o p q r s t u v w x y z";
    assert_eq!(draw(lone).lines().count(), 2);
}

#[test]
fn a_long_word_takes_time_in_proportion_to_its_length() {
    let text = flow(&["x".repeat(1_000_000)], 80, false);
    assert_eq!(text.lines().count(), 1_000_000 / 76 + 1);
}
