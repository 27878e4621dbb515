//! Reads a template: text, quoted texts, ranges, and where each path begins and ends.

use super::{JsonPathError, Node, Path, path};

/// How deep ranges, brackets and parentheses may be nested.
pub(super) const DEPTH: usize = 16;
/// The longest template, in bytes.
const LONGEST: usize = 1 << 16;

/// Where in the template the reader is.
pub(super) struct TemplateReader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> TemplateReader<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, JsonPathError> {
        let reader = Self { text, at: 0 };
        if text.len() > LONGEST {
            return Err(reader.error("it is longer than 64 KiB"));
        }
        Ok(reader)
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    pub(super) fn eat(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        if found {
            self.at += prefix.len();
        }
        found
    }

    pub(super) fn skip_spaces(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    pub(super) fn error(&self, message: impl Into<String>) -> JsonPathError {
        JsonPathError {
            position: self.text[..self.at].chars().count() + 1,
            message: message.into(),
        }
    }

    /// A quoted text whose quote comes next; its escapes are resolved.
    pub(super) fn quoted(&mut self) -> Result<String, JsonPathError> {
        let start = self.error("the quote is not closed");
        let quote = self.bump();
        let mut out = String::new();
        loop {
            let before = self.at;
            match self.bump() {
                None => return Err(start),
                c if c == quote => return Ok(out),
                Some('\\') => match self.bump() {
                    Some('n') => out.push('\n'),
                    Some('t') => out.push('\t'),
                    Some('r') => out.push('\r'),
                    Some(c) if !c.is_alphanumeric() => out.push(c),
                    _ => {
                        self.at = before;
                        return Err(self.error("the escape is not one of \\n, \\t, \\r, \\\\, \\\" and \\'"));
                    }
                },
                Some(c) => out.push(c),
            }
        }
    }
}

/// The nodes of a whole template.
pub(super) fn template(text: &str) -> Result<Vec<Node>, JsonPathError> {
    let mut reader = TemplateReader::new(text)?;
    if text.is_empty() {
        return Err(reader.error("it is empty; {.items[*].host} lists the hosts"));
    }
    if !text.contains('{') {
        return Err(reader.error(format!("there is no expression in braces; is {{{text}}} meant?")));
    }
    nodes(&mut reader, 0)
}

/// One path, with or without braces.
pub(super) fn single(text: &str) -> Result<Path, JsonPathError> {
    let mut reader = TemplateReader::new(text)?;
    reader.skip_spaces();
    let braces = reader.eat("{");
    let path = path::path(&mut reader)?;
    if braces && !reader.eat("}") {
        return Err(reader.error("the brace is not closed"));
    }
    reader.skip_spaces();
    if reader.rest().is_empty() {
        Ok(path)
    } else {
        Err(reader.error("only one path is allowed, and more follows"))
    }
}

/// Nodes up to the end of the template, or of the range that is open.
fn nodes(reader: &mut TemplateReader<'_>, depth: usize) -> Result<Vec<Node>, JsonPathError> {
    if depth > DEPTH {
        return Err(reader.error("ranges are nested too deeply"));
    }
    let range = reader.error("{range} has no {end}");
    let mut out = Vec::new();
    loop {
        let rest = reader.rest();
        let brace = rest.find('{').unwrap_or(rest.len());
        if brace > 0 {
            out.push(Node::Text(rest[..brace].to_owned()));
            reader.at += brace;
        }
        if !reader.eat("{") {
            return if depth == 0 { Ok(out) } else { Err(range) };
        }
        loop {
            reader.skip_spaces();
            match reader.peek() {
                None => return Err(reader.error("the brace is not closed")),
                Some('}') => {
                    reader.bump();
                    break;
                }
                Some('"' | '\'') => out.push(Node::Text(reader.quoted()?)),
                Some(_) if keyword(reader.rest(), "end") => {
                    if depth == 0 {
                        return Err(reader.error("{end} has no {range}"));
                    }
                    reader.eat("end");
                    reader.skip_spaces();
                    return if reader.eat("}") {
                        Ok(out)
                    } else {
                        Err(reader.error("{end} stands alone in its braces"))
                    };
                }
                Some(_) if keyword(reader.rest(), "range") => {
                    reader.eat("range");
                    reader.skip_spaces();
                    let path = path::path(reader)?;
                    reader.skip_spaces();
                    if !reader.eat("}") {
                        return Err(reader.error("{range PATH} holds one path"));
                    }
                    out.push(Node::Range(path, nodes(reader, depth + 1)?));
                    break;
                }
                Some(_) => out.push(Node::Path(path::path(reader)?)),
            }
        }
    }
}

fn keyword(rest: &str, word: &str) -> bool {
    rest.strip_prefix(word)
        .is_some_and(|after| after.starts_with(|c: char| c == '}' || c.is_whitespace()))
}
