//! Collects what documents contain: objects are placed in a namespace, filtered and sent; the rest is counted or
//! becomes an error.

use zeroize::Zeroizing;

use super::{ManifestError, NOT_AN_OBJECT, Options, Outcome, files, json, yaml};
use crate::{
    object::{Change, Kind, Made, Object, carrier::carrier},
    source::{form, pairs::DataKeys},
    text::quote,
};

/// The state of reading, and where objects are sent.
pub(super) struct Collect<'a, 's> {
    pub(super) outcome: Outcome,
    pub(super) sink: &'s mut dyn FnMut(Change),
    options: &'a Options<'a>,
    file: String,
    /// Whether the user named the file, so that its contents are meant to be objects.
    named: bool,
    /// The number of the document within the file, from 1.
    document: usize,
}

/// A position within a document, for an error.
#[derive(Debug, Clone, Default)]
pub(super) struct DocumentPosition {
    /// The line of the file, if it is known.
    pub(super) line: Option<usize>,
    /// The indexes in lists, such as `items[3]`; empty for the document itself.
    pub(super) path: String,
}

impl DocumentPosition {
    /// A position of which only the line is known.
    pub(super) fn at(line: usize) -> Self {
        Self {
            line: Some(line),
            path: String::new(),
        }
    }

    /// The position of an element of the list at this position.
    pub(super) fn item(&self, index: usize, line: Option<usize>) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self {
            line: line.or(self.line),
            path: format!("{}{dot}items[{index}]", self.path),
        }
    }
}

impl<'a, 's> Collect<'a, 's> {
    pub(super) fn new(options: &'a Options<'a>, sink: &'s mut dyn FnMut(Change)) -> Self {
        Self {
            outcome: Outcome::default(),
            sink,
            options,
            file: String::new(),
            named: true,
            document: 0,
        }
    }

    /// The data keys in which Secrets have a certificate and its key.
    pub(super) fn data_keys(&self) -> &'a DataKeys {
        &self.options.scope.data_keys
    }

    /// Reads the bytes of one file, or records why there are none.
    pub(super) fn input(&mut self, file: &str, named: bool, bytes: Result<Zeroizing<Vec<u8>>, String>) {
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(message) => return self.file_error(file, message),
        };
        self.outcome.files += 1;
        file.clone_into(&mut self.file);
        self.outcome.places.file(file);
        self.named = named;
        self.document = 0;
        match files::text(&bytes) {
            Err((line, message)) => {
                let place = DocumentPosition {
                    line,
                    path: String::new(),
                };
                self.error(&place, &message);
            }
            Ok(text) => {
                let text: &str = &text;
                let braces = text.trim_start().starts_with(['{', '[']) && !text.trim_start().starts_with("{{");
                if !braces || !json::read(text, self) {
                    yaml::read(text, self);
                }
            }
        }
    }

    /// Whether the name of the file says that it is JSON.
    pub(super) fn named_json(&self) -> bool {
        std::path::Path::new(&self.file)
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("json"))
    }

    /// Counts one more document, to which everything that follows belongs.
    pub(super) fn next_document(&mut self) {
        self.document += 1;
        self.outcome.documents += 1;
    }

    /// Records that a whole file cannot be read.
    pub(super) fn file_error(&mut self, file: &str, message: String) {
        self.outcome.errors.push(ManifestError {
            file: file.to_owned(),
            document: 0,
            line: None,
            message,
        });
    }

    /// Records what is wrong at a position of the present document.
    pub(super) fn error(&mut self, place: &DocumentPosition, message: &str) {
        let message = if place.path.is_empty() {
            message.to_owned()
        } else {
            format!("{}: {message}", place.path)
        };
        self.outcome.errors.push(ManifestError {
            file: self.file.clone(),
            document: self.document,
            line: place.line,
            message,
        });
    }

    /// Takes one object that was read.
    pub(super) fn object(&mut self, mut object: Object, place: &DocumentPosition) {
        form::place(&mut object, &self.options.default_namespace);
        if object.meta().name.is_empty() {
            let message = format!("the {} has no metadata.name", object.kind().as_str());
            return self.error(place, &message);
        }
        if placeholder(&object) {
            return self.error(place, HELM);
        }
        self.outcome.kinds.insert(object.kind());
        self.namespace_of(&object);
        if object.kind() == Kind::Service {
            // A Service only says which names Pods have, and there are no findings about it.
            self.skip("v1", Kind::Service.as_str(), "");
        }
        if self.options.scope.allows(&object) {
            self.outcome.objects += 1;
            let key = object.meta().key();
            self.outcome.places.object(object.kind(), key, place.line);
            (self.sink)(Change::Set(object));
        }
    }

    /// Records the namespace of an object, or the namespace that the object itself is.
    fn namespace_of(&mut self, object: &Object) {
        let meta = object.meta();
        let namespace = if object.kind() == Kind::Namespace {
            &meta.name
        } else {
            &meta.namespace
        };
        if !namespace.is_empty() && !self.outcome.namespaces.contains(namespace) {
            self.outcome.namespaces.insert(namespace.clone());
        }
    }

    /// Records why an object could not be read.
    pub(super) fn broken(&mut self, kind: Kind, name: &str, place: &DocumentPosition, why: &str) {
        let space = if name.is_empty() { "" } else { " " };
        self.error(place, &format!("cannot read the {}{space}{name}: {why}", kind.as_str()));
    }

    /// Counts an object of a kind that is not read. `namespace` is that of its manifest, empty if it has none.
    pub(super) fn skip(&mut self, api_version: &str, kind: &str, namespace: &str) {
        if !namespace.is_empty() && !self.outcome.namespaces.contains(namespace) {
            self.outcome.namespaces.insert(namespace.into());
        }
        if let Some(carrier) = carrier(api_version, kind) {
            let namespace = match (carrier.namespaced, namespace) {
                (false, _) => "",
                (true, "") => &self.options.default_namespace,
                (true, named) => named,
            };
            if self.options.scope.allows_namespace(namespace) {
                let kinds = &mut self.outcome.carriers;
                *kinds.entry((api_version.to_owned(), kind.to_owned())).or_default() += 1;
            }
            return;
        }
        *self.outcome.skipped.entry(format!("{api_version}/{kind}")).or_default() += 1;
    }

    /// Takes a document or item that is not an object. `what` says what it is, or lacks.
    pub(super) fn no_object(&mut self, what: &str, place: &DocumentPosition) {
        if self.named {
            self.error(place, &format!("{NOT_AN_OBJECT}: {what}"));
        } else {
            self.skip_no_object();
        }
    }

    /// Counts a document that is not meant to be an object.
    pub(super) fn skip_no_object(&mut self) {
        *self.outcome.skipped.entry(NOT_AN_OBJECT.to_owned()).or_default() += 1;
    }

    /// Takes an object that creates Secrets in the cluster.
    pub(super) fn made(&mut self, mut made: Made) {
        let default = &self.options.default_namespace;
        let secrets = made.secrets.iter_mut().filter_map(|secret| secret.namespace.as_mut());
        for namespace in secrets.filter(|namespace| namespace.is_empty()) {
            namespace.clone_from(default);
        }
        (self.sink)(Change::Made(made));
    }

    /// Takes an object that is encrypted with SOPS. The names in a Secret are usually not encrypted.
    pub(super) fn encrypted(&mut self, object: &Object, place: &DocumentPosition) {
        let meta = object.meta();
        let secret = matches!(object, Object::Secret(_));
        match form::encrypted(&meta.namespace, &meta.name).filter(|_| secret) {
            Some(made) => {
                self.skip("v1", "Secret encrypted with SOPS", &meta.namespace);
                self.made(made);
            }
            None => self.cannot_decrypt(place),
        }
    }

    /// Records that the values of a document are encrypted with SOPS, so that it cannot be judged.
    pub(super) fn cannot_decrypt(&mut self, place: &DocumentPosition) {
        let file = if self.file == STDIN {
            "FILE".into()
        } else {
            quote(&self.file)
        };
        let message = format!("encrypted with SOPS; decrypt it first: sops -d {file} | kubectl certs status -f -");
        self.error(place, &message);
    }
}

/// The name of standard input in place of a file.
pub(super) const STDIN: &str = "standard input";

/// The message for a Helm template that was given instead of its rendered output.
pub(super) const HELM: &str =
    "holds {{ }} of a Helm template; render it first: helm template CHART | kubectl certs status -f -";

/// Whether a name or host of the object is an unfilled placeholder of a template.
fn placeholder(object: &Object) -> bool {
    object.some_text(|text| text.contains("{{"))
}
