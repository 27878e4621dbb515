//! Writes protobuf messages like Kubernetes: fields in order, including empty strings.

/// A message that is being written.
#[derive(Clone, Default)]
pub(super) struct Message(pub(super) Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    pub(super) fn number(mut self, field: u32, number: u64) -> Self {
        self.varint(u64::from(field) << 3);
        self.varint(number);
        self
    }

    pub(super) fn bytes(mut self, field: u32, bytes: impl AsRef<[u8]>) -> Self {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(bytes.as_ref().len() as u64);
        self.0.extend_from_slice(bytes.as_ref());
        self
    }

    pub(super) fn fixed(mut self, field: u32) -> Self {
        self.varint(u64::from(field) << 3 | 1);
        self.0.extend_from_slice(&[0xff; 8]);
        self.varint(u64::from(field + 1) << 3 | 5);
        self.0.extend_from_slice(&[0xff; 4]);
        self
    }

    pub(super) fn message(self, field: u32, message: &Message) -> Self {
        self.bytes(field, &message.0)
    }

    /// A message within messages: `path` from the outermost in.
    pub(super) fn nested(self, path: &[u32], message: &Message) -> Self {
        match path {
            [] => self,
            [field] => self.message(*field, message),
            [field, rest @ ..] => self.message(*field, &new().nested(rest, message)),
        }
    }

    pub(super) fn entry(self, field: u32, key: &str, value: impl AsRef<[u8]>) -> Self {
        self.message(field, &new().bytes(1, key).bytes(2, value))
    }
}

pub(super) fn new() -> Message {
    Message::default()
}

pub(super) fn time(seconds: i64) -> Message {
    new().number(1, seconds.cast_unsigned()).number(2, 0)
}

/// An `ObjectMeta` with all its fields.
pub(super) fn meta(namespace: &str, name: &str) -> Message {
    let owner = |kind: &str, controller| {
        new()
            .bytes(1, kind)
            .bytes(3, "owner")
            .bytes(4, "uid-o")
            .bytes(5, "v1")
            .number(6, controller)
            .number(7, 1)
    };
    let fields = r#"{"f:data":{".":{},"f:tls.crt":{},"f:tls.key":{}},"f:type":{}}"#;
    let manager = |time_at, fields: &str| {
        new()
            .bytes(1, "kubectl")
            .bytes(2, "Update")
            .bytes(3, "v1")
            .message(4, &time(time_at))
            .bytes(6, "FieldsV1")
            .message(7, &new().bytes(1, fields))
            .bytes(8, "")
    };
    new()
        .bytes(1, name)
        .bytes(2, "generated-")
        .bytes(3, namespace)
        .bytes(4, "")
        .bytes(5, "uid-1")
        .bytes(6, "4711")
        .number(7, 3)
        .message(8, &time(1_700_000_000))
        .message(9, &time(1_700_000_001))
        .number(10, 30)
        .entry(11, "app", "web")
        .entry(12, "cert-manager.io/issuer", "le")
        .entry(12, "kubectl.kubernetes.io/last-applied-configuration", "{\"data\":{}}")
        .message(13, &owner("Certificate", 1))
        .message(13, &owner("Other", 0))
        .bytes(14, "finalizer")
        .message(17, &manager(1_700_000_100, fields))
        .message(17, &manager(1_700_000_200, r#"{"f:metadata":{"f:labels":{}}}"#))
}

/// A TLS Secret with one more data key.
pub(super) fn secret(namespace: &str, name: &str, secret_type: &str, certificate: &[u8]) -> Message {
    new()
        .message(1, &meta(namespace, name))
        .entry(2, "ca.crt", "the ca")
        .entry(2, "tls.crt", certificate)
        .entry(2, "tls.key", "the key")
        .bytes(3, secret_type)
        .entry(4, "tls.crt", "string data is written, never read")
        .number(5, 0)
}

/// The list of these items, with every field of a `ListMeta`.
pub(super) fn list(kind: &str, token: &str, items: &[Message]) -> Vec<u8> {
    let meta = new().bytes(1, "").bytes(2, "900").bytes(3, token).number(4, 12);
    let mut raw = new().message(1, &meta);
    for item in items {
        raw = raw.message(2, item);
    }
    envelope(kind, &raw)
}

/// An object in its envelope, which ends with two empty strings.
pub(super) fn envelope(kind: &str, raw: &Message) -> Vec<u8> {
    let unknown = new()
        .message(1, &new().bytes(1, "v1").bytes(2, kind))
        .message(2, raw)
        .bytes(3, "")
        .bytes(4, "");
    [b"k8s\0", &unknown.0[..]].concat()
}
