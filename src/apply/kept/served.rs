//! The moment at which the present certificate of a kept pair was first seen served.

use super::{Data, KeepError, Keeping, Kept, RECORD, Record, SECRET};
use crate::{
    apply::{
        Api,
        secret::{self, Target},
    },
    k8s::{Believed, Edit},
    object::{Key, Seconds},
    x509::Fingerprint,
};

use serde_json::Value;

/// Notes on the kept pair of a Secret when its certificate was first seen served, in seconds since 1970. Does nothing if that is
/// noted already, if another certificate is the present one by now, or if another install keeps the pair. One conditional write.
///
/// # Errors
///
/// The object is something else, or the cluster refuses the write.
pub async fn note_served(
    api: &Api,
    keeping: &Keeping,
    of: &Key,
    certificate: Fingerprint,
    at: Seconds,
) -> Result<(), KeepError> {
    api.update(SECRET, &keeping.key(of), Believed::Unknown, |present| {
        let noted = match present {
            Some(object) => noted(object, keeping, of, certificate, at)?,
            None => None,
        };
        Ok(noted.map_or(Edit::Nothing, Edit::Whole))
    })
    .await
    .map(drop)
}

/// The object with the note; `None` if there is nothing to note.
fn noted(
    object: &Value,
    keeping: &Keeping,
    of: &Key,
    certificate: Fingerprint,
    at: Seconds,
) -> Result<Option<Value>, KeepError> {
    let Some(mut kept) = Kept::of(object, keeping, of)? else {
        return Ok(None);
    };
    let is_it = kept.claim == keeping.claim && kept.present.sha256 == certificate;
    if !is_it || !kept.history.serves(&certificate, at) {
        return Ok(None);
    }
    let target = Target::of(of.clone(), Some(object.clone()));
    let Some(record) = target.data().and_then(Record::of) else {
        return Ok(None);
    };
    let record = Record {
        history: kept.history,
        ..record
    };
    let Ok(text) = serde_json::to_vec(&record) else {
        return Ok(None);
    };
    let mut object = object.clone();
    let only = Data::from([(RECORD.to_owned(), text.into())]);
    object["data"][RECORD] = secret::encoded(&only)[RECORD].clone();
    Ok(Some(object))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        apply::{
            kept::tests::{keeping, object_of},
            pair::tests::NOW,
        },
        x509::testing::Authority,
    };

    #[test]
    fn the_first_time_a_certificate_is_seen_served_is_noted_and_nothing_else_changes() {
        let root = Authority::root("Root");
        let (new, former) = (root.leaf("a.example"), root.leaf("a.example"));
        let (object, of) = object_of(&new, &former);
        let sha256 = Fingerprint::of(&new.der);
        let note = |object: &Value, certificate, at| noted(object, &keeping(), &of, certificate, at).unwrap();
        let after = note(&object, sha256, NOW + 9).unwrap();
        let kept = Kept::of(&after, &keeping(), &of).unwrap().unwrap();
        let present = kept.history.present().unwrap();
        assert_eq!((present.at, present.served), (NOW, Some(NOW + 9)));
        // Later looks change nothing, and neither does one that saw another certificate.
        assert_eq!(note(&after, sha256, NOW + 10), None);
        assert_eq!(note(&object, Fingerprint::of(&former.der), NOW + 9), None);
        let mut without = (object.clone(), after);
        for object in [&mut without.0, &mut without.1] {
            object["data"][RECORD].take();
        }
        assert_eq!(without.0, without.1);
        let mut others = keeping();
        others.claim = "install-2".to_owned();
        assert_eq!(noted(&object, &others, &of, sha256, NOW).unwrap(), None);
    }
}
