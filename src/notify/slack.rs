//! The form of Slack's incoming webhooks (<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>).

use serde_json::{Value, json};

use super::{Notice, Scene};

/// So many notices have a block of their own: Slack takes at most 50 blocks.
const MOST: usize = 20;

/// The message. Texts from outside are in blocks of plain text, where Slack reads no mention and no link; programs that
/// know no blocks show `text`, in which the characters that Slack reads are escaped.
pub(super) fn message(notices: &[Notice], scene: &Scene) -> Value {
    let head = if scene.cluster.is_empty() {
        "kubectl certs".to_owned()
    } else {
        format!("kubectl certs, cluster {}", crate::text::clear(&scene.cluster))
    };
    let mut lines = vec![head];
    lines.extend(notices.iter().take(MOST).map(Notice::line));
    if notices.len() > MOST {
        lines.push(format!("and {} more", notices.len() - MOST));
    }
    let block =
        |line: &String| json!({"type": "section", "text": {"type": "plain_text", "text": line, "emoji": false}});
    let blocks: Vec<Value> = lines.iter().map(block).collect();
    let escaped = lines
        .join("\n")
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    json!({"text": escaped, "blocks": blocks})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::example;

    fn scene() -> Scene {
        Scene {
            cluster: "prod".to_owned(),
            ..Scene::default()
        }
    }

    #[test]
    fn what_failed_and_what_is_over_is_a_line_each_and_nobody_is_called_by_a_text_from_outside() {
        let message = message(&example(), &scene());
        let blocks = message["blocks"].as_array().unwrap();
        assert_eq!(blocks[0]["text"]["text"], "kubectl certs, cluster prod");
        assert_eq!(
            blocks[1]["text"]["text"],
            "not renewed: Secret shop/shop-tls: shop.example: <!channel> 404 & \\x1b[31m\"not found\""
        );
        assert_eq!(blocks[2]["text"]["text"], "over: ends: Secret shop/blog-tls");
        assert!(
            blocks.iter().all(|block| block["text"]["type"] == "plain_text"),
            "{message}"
        );
        let text = message["text"].as_str().unwrap();
        assert!(
            text.contains("&lt;!channel&gt; 404 &amp; ") && !text.contains('<'),
            "{text}"
        );
    }

    #[test]
    fn many_notices_are_one_message_that_slack_takes() {
        let many: Vec<Notice> = (0..500)
            .map(|n| Notice {
                message: "x".repeat(10_000),
                secret: Some(crate::object::Key::new("shop", format!("{n}-tls"))),
                ..example()[0].clone()
            })
            .collect();
        let message = message(&many, &scene());
        let blocks = message["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50, "{}", blocks.len());
        for block in blocks {
            assert!(block["text"]["text"].as_str().unwrap().len() <= 3_000, "{block}");
        }
        assert_eq!(blocks.last().unwrap()["text"]["text"], "and 480 more");
        assert!(message["text"].as_str().unwrap().len() < 40_000);
    }
}
