//! A CA as public ones are, and leaves of it: Let's Encrypt's E intermediates are P-384, its R ones RSA-2048.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, RsaKeySize,
    SerialNumber, SignatureAlgorithm,
};
use time::{Duration, OffsetDateTime};

use super::{Result, say};

type Ca = CertifiedIssuer<'static, KeyPair>;

/// A root and four intermediates.
pub(crate) struct Pki {
    root: Ca,
    ecdsa: [Ca; 2],
    rsa: [Ca; 2],
}

/// What a leaf is.
pub(crate) struct Leaf<'a> {
    pub(crate) host: &'a str,
    /// Its key; a new P-256 one where none is given.
    pub(crate) rsa: Option<&'a str>,
    pub(crate) expired: bool,
    /// Which of the two intermediates of its kind signs it.
    pub(crate) issuer: usize,
}

/// A leaf with its intermediate, and its key, in PEM.
pub(crate) struct Issued {
    pub(crate) leaf: String,
    pub(crate) intermediate: String,
    pub(crate) key: String,
}

impl Pki {
    pub(crate) fn new() -> Result<Self> {
        let root = Ca::self_signed(
            authority("Bench Root X1")?,
            KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?,
        )?;
        let sub = |name: &str, algorithm: &'static SignatureAlgorithm| -> Result<Ca> {
            let mut params = authority(name)?;
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            params.use_authority_key_identifier_extension = true;
            Ok(Ca::signed_by(params, KeyPair::generate_for(algorithm)?, &root)?)
        };
        let (e, r) = (&PKCS_ECDSA_P384_SHA384, &PKCS_RSA_SHA256);
        let ecdsa = [sub("Bench E1", e)?, sub("Bench E2", e)?];
        let rsa = [sub("Bench R1", r)?, sub("Bench R2", r)?];
        Ok(Self { root, ecdsa, rsa })
    }

    pub(crate) fn root_pem(&self) -> String {
        self.root.pem()
    }

    pub(crate) fn issue(&self, leaf: &Leaf<'_>) -> Result<Issued> {
        let key = match leaf.rsa {
            Some(pem) => KeyPair::from_pem(pem)?,
            None => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?,
        };
        let issuers = if leaf.rsa.is_some() { &self.rsa } else { &self.ecdsa };
        let issuer = &issuers[leaf.issuer % issuers.len()];
        let mut params = CertificateParams::new([leaf.host.to_owned()])?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, leaf.host);
        params.serial_number = Some(serial()?);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let age = Duration::days(if leaf.expired { 95 } else { 10 });
        params.not_before = OffsetDateTime::now_utc() - age;
        params.not_after = params.not_before + Duration::days(90) - Duration::seconds(1);
        Ok(Issued {
            leaf: params.signed_by(&key, issuer)?.pem(),
            intermediate: issuer.pem(),
            key: key.serialize_pem(),
        })
    }

    /// A key that is nobody's.
    pub(crate) fn other_key() -> Result<String> {
        Ok(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?.serialize_pem())
    }
}

fn authority(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "US");
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Bench Authority");
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(serial()?);
    params.not_before = OffsetDateTime::now_utc() - Duration::days(500);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(1500);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
    ];
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(params)
}

/// 18 octets, as Let's Encrypt's are.
fn serial() -> Result<SerialNumber> {
    let mut octets = [0x05; 18];
    aws_lc_rs::rand::fill(&mut octets[1..]).map_err(|_| "no random numbers are to be had")?;
    Ok(SerialNumber::from_slice(&octets))
}

/// So many distinct RSA-2048 keys, in PEM. They are slow to make, so they are kept in a file that the user alone can read.
pub(crate) fn rsa_keys(count: usize, file: &Path) -> Result<Vec<String>> {
    const END: &str = "-----END PRIVATE KEY-----\n";
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut keys: Vec<String> = text.split_inclusive(END).map(str::to_owned).collect();
    keys.retain(|key| key.ends_with(END));
    if keys.len() < count {
        let missing = count - keys.len();
        say(&format!("making {missing} RSA keys"));
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(missing);
        let make = |part: usize| -> Result<Vec<String>> {
            (part..missing)
                .step_by(threads)
                .map(|_| {
                    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
                    Ok(key.serialize_pem().replace('\r', ""))
                })
                .collect()
        };
        let parts: Vec<Result<Vec<String>>> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|part| scope.spawn(move || make(part))).collect();
            running
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| Err("a thread has died".into())))
                .collect()
        });
        for part in parts {
            keys.extend(part?);
        }
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = fs::OpenOptions::new();
        let mut out = options.write(true).create(true).truncate(true).mode(0o600).open(file)?;
        out.set_permissions(fs::Permissions::from_mode(0o600))?;
        out.write_all(keys.concat().as_bytes())?;
    }
    keys.truncate(count);
    Ok(keys)
}
