//! Reads YAML: each document within a budget that grows with its length, and each item of a List separately.

use std::{cell::Cell, rc::Rc};

use serde::{Deserialize, de::DeserializeSeed as _};
use serde_saphyr::{
    DuplicateKeyPolicy, Error, MessageFormatter, UserMessageFormatter, budget::BudgetBreach,
    options::NonFiniteFloatPolicy,
};

use zeroize::Zeroizing;

use super::{
    collect::{Collect, DocumentPosition, HELM},
    exact::Seek,
    node::{Content, Node},
    quoted,
    split::{self, Piece},
};
use crate::{object::Kind, source::form::without_values};

/// How many nodes aliases may add to the documents of one file. The nodes of the text itself are limited by its length.
pub(super) const ALIASED_NODES: usize = 1_000_000;
/// How many nodes aliases may add to one document.
const ALIASED_NODES_PER_DOCUMENT: usize = 50_000;
/// How deeply a document may be nested. The decoder needs up to 30 KB of stack for each level; resource definitions,
/// the deepest documents in use, have some 40 levels.
const MAX_DEPTH: usize = 64;
/// How deeply nested lists are followed.
const MAX_LISTS: usize = 8;
/// For how many broken objects of one file the exact line is determined, which requires reading their document again.
const EXACT_LINES: usize = 16;

/// Reads the YAML documents of a text.
pub(super) fn read(text: &str, collect: &mut Collect<'_, '_>) {
    let mut reader = Reader {
        collect,
        allowance: ALIASED_NODES,
        exact: EXACT_LINES,
    };
    for piece in split::documents(text) {
        reader.document(piece);
    }
}

/// Whether a text is valid YAML, whatever its contents.
pub(super) fn is_yaml(text: &str) -> bool {
    let mut allowance = 0;
    let skip = |from: serde_saphyr::Deserializer<'_, '_>| serde::de::IgnoredAny::deserialize(from);
    split::documents(text).all(|piece| parse(piece, &mut allowance, skip).is_ok())
}

struct Reader<'c, 'a, 's> {
    collect: &'c mut Collect<'a, 's>,
    /// How many nodes aliases may still add.
    allowance: usize,
    /// For how many broken objects the exact line may still be determined.
    exact: usize,
}

impl Reader<'_, '_, '_> {
    fn document(&mut self, piece: Piece<'_>) {
        self.collect.next_document();
        let read = |piece, allowance: &mut usize| parse(piece, allowance, |from| Node::deserialize(from));
        match read(piece, &mut self.allowance) {
            Err(error) if is_indentation(&error) => {
                // The replaced text has the same lines, so positions stay the same.
                let moved = quoted::indented(piece.text).map(Zeroizing::new);
                let text = moved.as_deref().map_or(piece.text, String::as_str);
                let moved = Piece { text, ..piece };
                let again = read(moved, &mut self.allowance).map_err(|_| error);
                self.taken(moved, again);
            }
            result => self.taken(piece, result),
        }
    }

    /// Takes the result of reading a document.
    fn taken(&mut self, piece: Piece<'_>, result: Result<Node, Error>) {
        match result {
            Ok(Node::Null) => {}
            Ok(node) => self.node(
                piece,
                node,
                None,
                &DocumentPosition::at(first_line(piece)),
                &mut Vec::new(),
            ),
            Err(error) => {
                let place = DocumentPosition::at(line(piece, &error).unwrap_or_else(|| first_line(piece)));
                let message = message(&error);
                if piece.text.contains("{{") {
                    self.collect.error(&place, &format!("{HELM} ({message})"));
                } else {
                    self.collect.error(&place, &format!("cannot read YAML: {message}"));
                }
            }
        }
    }

    /// Takes one node. `list` has the apiVersion and kind for items without their own; `path` leads to the node.
    fn node(
        &mut self,
        piece: Piece<'_>,
        node: Node,
        list: Option<(&str, &str)>,
        place: &DocumentPosition,
        path: &mut Vec<usize>,
    ) {
        let fields = match node {
            Node::Null => return,
            Node::Other(what) => return self.collect.no_object(what, place),
            Node::Mapping(fields) => fields,
        };
        if path.is_empty() && fields.is_helm_release() {
            return self.collect.skip_no_object();
        }
        let own = fields.api_version.as_deref().zip(fields.kind.as_deref());
        let Some((api_version, kind)) = own.or(list) else {
            return self.collect.no_object("apiVersion or kind is missing", place);
        };
        let encrypted = fields.encrypted;
        match fields.content.decoded(api_version, kind, self.collect.data_keys()) {
            Content::Items(items) => {
                if path.len() >= MAX_LISTS {
                    return self.collect.error(place, "lists are nested too deeply");
                }
                let element = kind.strip_suffix("List").unwrap_or_default();
                let typed = (!element.is_empty()).then_some((api_version, element));
                for (index, item) in items.into_iter().enumerate() {
                    let at = line_of(piece, item.referenced.line());
                    path.push(index);
                    self.node(piece, item.value, typed, &place.item(index, at), path);
                    path.pop();
                }
            }
            Content::NoList => self.collect.error(place, "items is not a list"),
            Content::Object(object) if encrypted => self.collect.encrypted(&object, place),
            Content::Object(object) => self.collect.object(*object, place),
            Content::Broken(..) if encrypted => self.collect.cannot_decrypt(place),
            Content::Broken(known, name, error) => {
                let place = self.exact(piece, known, path, place);
                self.collect.broken(known, &name, &place, &error.to_string());
            }
            Content::Unknown(namespace, made) => {
                if encrypted && made.is_none() {
                    self.collect.cannot_decrypt(place);
                } else if kind != "List" {
                    self.collect.skip(api_version, kind, &namespace);
                }
                if let Some(made) = made {
                    self.collect.made(*made);
                }
            }
            Content::Raw(_) | Content::Secret(_) => {}
        }
    }

    /// The exact position of the error in the object at `path`: its document is read again, with the line of each
    /// value.
    fn exact(&mut self, piece: Piece<'_>, kind: Kind, path: &[usize], place: &DocumentPosition) -> DocumentPosition {
        let mut place = place.clone();
        if self.exact > 0 {
            self.exact -= 1;
            let seek = |from: serde_saphyr::Deserializer<'_, '_>| Seek(path).deserialize(from);
            let lined = parse(piece, &mut self.allowance, seek).ok().flatten();
            let line = lined.and_then(|lined| lined.broken(kind, self.collect.data_keys()));
            place.line = line.and_then(|within| line_of(piece, within)).or(place.line);
        }
        place
    }
}

/// Whether the indentation of a quoted text of several lines, or a tab within one, makes a document unreadable.
fn is_indentation(error: &Error) -> bool {
    let text = UserMessageFormatter.format_message(error);
    text.contains("multiline quoted scalar") || text.contains("tab cannot be used as indentation")
}

/// Runs `read` over one document within its budget.
pub(super) fn parse<R>(
    piece: Piece<'_>,
    allowance: &mut usize,
    read: impl for<'de, 'e> FnOnce(serde_saphyr::Deserializer<'de, 'e>) -> Result<R, Error>,
) -> Result<R, Error> {
    let length = piece.text.len();
    let aliased = (*allowance).min(ALIASED_NODES_PER_DOCUMENT);
    let nodes = Rc::new(Cell::new(0));
    let counted = Rc::clone(&nodes);
    // A node takes at least one byte of text, and each list and mapping has one more event at its end.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: length + 16 + aliased,
            max_events: 2 * (length + 16 + aliased),
            max_total_scalar_bytes: 2 * length + 32 * aliased,
            max_recorded_anchor_events: 2 * (length + 16 + aliased),
            max_depth: MAX_DEPTH,
            max_documents: 4,
            enforce_alias_anchor_ratio: false,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        ignore_binary_tag_for_string: true,
        // `no` and `n` are more likely names than booleans.
        strict_booleans: true,
        with_snippet: false,
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 2 * (length + aliased),
            max_replay_stack_depth: 16,
        },
    }
    .with_budget_report(move |report| counted.set(report.nodes));
    let result = serde_saphyr::with_deserializer_from_str_with_options(piece.text, options, read);
    *allowance = allowance.saturating_sub(nodes.get().saturating_sub(length));
    result
}

/// What is wrong, on one line and without its position.
fn message(error: &Error) -> String {
    let mut cause = error;
    while let Error::AliasError { error, .. } | Error::WithSnippet { error, .. } = cause {
        cause = error;
    }
    let text = UserMessageFormatter.format_message(cause);
    let too_deep = text.contains("nesting") || text.contains("recursion");
    match cause {
        Error::Budget {
            breach: BudgetBreach::Depth { .. },
            ..
        } => format!("it is nested more than {MAX_DEPTH} levels deep"),
        _ if too_deep => format!("it is nested more than {MAX_DEPTH} levels deep"),
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            "its aliases (*NAME) expand to too much: too many aliases, or aliases of aliases".to_owned()
        }
        _ => without_values(&text),
    }
}

fn line(piece: Piece<'_>, error: &Error) -> Option<usize> {
    line_of(piece, error.location()?.line())
}

/// The line of the file for the line `within` of a document.
fn line_of(piece: Piece<'_>, within: u64) -> Option<usize> {
    let within = usize::try_from(within).ok()?;
    (within > 0).then(|| piece.line + within - 1)
}

/// The line on which the content of a document begins.
fn first_line(piece: Piece<'_>) -> usize {
    let empty = |line: &&str| {
        let line = line.trim();
        line.is_empty() || line == "---" || line.starts_with('#')
    };
    piece.line + piece.text.lines().take_while(empty).count()
}
