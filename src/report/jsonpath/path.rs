//! Translates one path from kubectl's dialect to RFC 9535: names with escaped dots, names and texts in either quote.

use std::fmt::Write;

use jsonpath_rust::parser::parse_json_path;

use super::{
    JsonPathError, Path,
    parse::{DEPTH, TemplateReader},
};

/// The path that begins here, up to a space or the closing brace.
pub(super) fn path(reader: &mut TemplateReader<'_>) -> Result<Path, JsonPathError> {
    let whole = reader.error(String::new());
    match reader.peek() {
        Some('.' | '[') => {}
        // kubectl takes both for the current item.
        Some('@' | '$') => {
            reader.bump();
        }
        _ => return Err(reader.error("a path begins with a dot: {.items[*].host}")),
    }
    let mut query = String::from("$");
    let mut leading = Leading {
        names: Vec::new(),
        open: true,
    };
    segments(reader, &mut query, Some(&mut leading), 0)?;
    if !matches!(reader.peek(), None | Some('}')) && !reader.peek().is_some_and(char::is_whitespace) {
        return Err(reader.error("a dot, a bracket or the closing brace is expected"));
    }
    let query = parse_json_path(&query).map_err(|_| JsonPathError {
        message: format!("the path {query} is not valid"),
        ..whole
    })?;
    Ok(Path {
        query,
        leading: leading.names,
    })
}

/// The plain names that a path begins with.
struct Leading {
    names: Vec<String>,
    open: bool,
}

/// Names and brackets, as long as they follow each other.
fn segments(
    reader: &mut TemplateReader<'_>,
    out: &mut String,
    mut leading: Option<&mut Leading>,
    depth: usize,
) -> Result<(), JsonPathError> {
    loop {
        let mut plain = false;
        if reader.eat("..") {
            out.push_str("..");
            if reader.eat("*") {
                out.push_str("[*]");
            } else if reader.peek() == Some('[') {
                bracket(reader, out, depth)?;
            } else {
                name(reader, out)?;
            }
        } else if reader.eat(".") {
            match reader.peek() {
                Some('*') => {
                    reader.bump();
                    out.push_str("[*]");
                }
                Some('[') => bracket(reader, out, depth)?,
                // `{.}` is the current item itself.
                None | Some('}') if out == "$" => {}
                _ => {
                    let found = name(reader, out)?;
                    if let Some(leading) = leading.as_deref_mut().filter(|l| l.open) {
                        leading.names.push(found);
                        plain = true;
                    }
                }
            }
        } else if reader.peek() == Some('[') {
            bracket(reader, out, depth)?;
        } else {
            return Ok(());
        }
        if let Some(leading) = leading.as_deref_mut() {
            leading.open &= plain;
        }
    }
}

/// A name without quotes, in which a backslash takes the next character as it is.
fn name(reader: &mut TemplateReader<'_>, out: &mut String) -> Result<String, JsonPathError> {
    let mut name = String::new();
    while let Some(c) = reader.peek() {
        if c == '\\' {
            reader.bump();
            let escaped = reader
                .bump()
                .ok_or_else(|| reader.error("a character follows a backslash"))?;
            name.push(escaped);
        } else if c.is_whitespace() || ".,[]{}()=<>!&|$@'\"".contains(c) {
            break;
        } else {
            name.push(c);
            reader.bump();
        }
    }
    if name.is_empty() {
        return Err(reader.error("a name follows a dot"));
    }
    out.push('[');
    literal(&name, out);
    out.push(']');
    Ok(name)
}

/// `[...]`: a filter, or names, positions and slices.
fn bracket(reader: &mut TemplateReader<'_>, out: &mut String, depth: usize) -> Result<(), JsonPathError> {
    let open = reader.error("the bracket is not closed");
    if depth >= DEPTH {
        return Err(reader.error("brackets are nested too deeply"));
    }
    reader.bump();
    out.push('[');
    reader.skip_spaces();
    let filter = reader.peek() == Some('?');
    let mut parentheses = 0usize;
    loop {
        let Some(c) = reader.peek() else { return Err(open) };
        match c {
            ']' if parentheses == 0 => {
                reader.bump();
                out.push(']');
                return Ok(());
            }
            '"' | '\'' => {
                let text = reader.quoted()?;
                literal(&text, out);
                continue;
            }
            '@' | '$' if filter => {
                reader.bump();
                out.push(c);
                segments(reader, out, None, depth + 1)?;
                continue;
            }
            '(' => parentheses += 1,
            ')' if parentheses == 0 => return Err(reader.error("the parenthesis was never opened")),
            ')' => parentheses -= 1,
            _ if filter => {}
            '*' | ',' | ':' | '-' | '0'..='9' | ' ' => {}
            _ => {
                return Err(reader.error("a position, a slice, *, a quoted name or ?(...) is expected in brackets"));
            }
        }
        if parentheses + depth > DEPTH {
            return Err(reader.error("parentheses are nested too deeply"));
        }
        out.push(c);
        reader.bump();
    }
}

/// `text` as RFC 9535 quotes it.
fn literal(text: &str, out: &mut String) {
    out.push('\'');
    for c in text.chars() {
        match c {
            '\'' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('\'');
}
