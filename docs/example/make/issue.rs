//! The example's certificate authorities, and what they sign.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
    PKCS_RSA_SHA256, SerialNumber, SignatureAlgorithm, date_time_ymd,
};
use time::{Duration, OffsetDateTime};

use super::{
    Result,
    plan::{Chain, Key, Planned, Signer},
};

type Ca = CertifiedIssuer<'static, KeyPair>;

/// What a Secret holds.
pub(super) struct Issued {
    /// The value of tls.crt.
    pub(super) certificates: String,
    /// The value of tls.key.
    pub(super) key: String,
    /// A signing request for the next certificate, with a key of its own, as cert-manager makes it.
    pub(super) request: String,
    pub(super) not_before: OffsetDateTime,
    pub(super) not_after: OffsetDateTime,
}

/// An invented public CA with two intermediates, and one that is named as Let's Encrypt's staging environment names its own.
pub(super) struct Authorities {
    root: Ca,
    ecdsa: Ca,
    rsa: Ca,
    staging: Ca,
}

impl Authorities {
    pub(super) fn new() -> Result<Self> {
        let root = {
            let params = authority("Tidewater Trust", "Tidewater Root X1", 2022, 20, None)?;
            Ca::self_signed(params, KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?)?
        };
        let sub = |name: &str, algorithm: &'static SignatureAlgorithm| -> Result<Ca> {
            let params = authority("Tidewater Trust", name, 2024, 5, Some("http://x1.i.tidewater.example/"))?;
            Ok(Ca::signed_by(params, KeyPair::generate_for(algorithm)?, &root)?)
        };
        let (ecdsa, rsa) = (
            sub("Tidewater TLS E1", &PKCS_ECDSA_P256_SHA256)?,
            sub("Tidewater TLS R1", &PKCS_RSA_SHA256)?,
        );
        let organisation = "(STAGING) Let's Encrypt";
        let params = authority(
            "(STAGING) Internet Security Research Group",
            "(STAGING) Pretend Pear X1",
            2015,
            20,
            None,
        )?;
        let staging_root = Ca::self_signed(params, KeyPair::generate_for(&PKCS_RSA_SHA256)?)?;
        let url = Some("http://stg-x1.i.lencr.org/");
        let params = authority(organisation, "(STAGING) Wannabe Watercress R11", 2024, 3, url)?;
        let staging = Ca::signed_by(params, KeyPair::generate_for(&PKCS_RSA_SHA256)?, &staging_root)?;
        Ok(Self {
            root,
            ecdsa,
            rsa,
            staging,
        })
    }

    /// The one root that the example trusts.
    pub(super) fn root_pem(&self) -> String {
        self.root.pem()
    }

    pub(super) fn issue(&self, planned: &Planned) -> Result<Issued> {
        let algorithm = match planned.key {
            Key::P256 => &PKCS_ECDSA_P256_SHA256,
            Key::Rsa2048 => &PKCS_RSA_SHA256,
        };
        let key = KeyPair::generate_for(algorithm)?;
        let (year, month, day, hour, minute, second) = planned.from;
        let not_before = date_time_ymd(year, month, day)
            + Duration::hours(hour)
            + Duration::minutes(minute)
            + Duration::seconds(second);
        // The last second counts: 90 days end one second before the same time of day.
        let not_after = not_before + Duration::days(planned.days) - Duration::seconds(1);
        let request = request(planned)?;
        let mut params = leaf(planned)?;
        (params.not_before, params.not_after) = (not_before, not_after);
        params.serial_number = Some(serial()?);
        let (issuer, url) = match planned.signer {
            Signer::Itself => {
                // What `openssl req -x509` makes: a CA of its own.
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                let certificates = params.self_signed(&key)?.pem();
                return Ok(Issued {
                    certificates,
                    key: key.serialize_pem(),
                    request,
                    not_before,
                    not_after,
                });
            }
            Signer::Ecdsa => (&self.ecdsa, "http://e1.i.tidewater.example/"),
            Signer::Rsa => (&self.rsa, "http://r1.i.tidewater.example/"),
            Signer::Staging => (&self.staging, "http://stg-r11.i.lencr.org/"),
        };
        params.use_authority_key_identifier_extension = true;
        params.custom_extensions = vec![issuer_url(url)?, domain_validated()];
        let leaf = params.signed_by(&key, issuer)?.pem();
        let chain = match planned.chain {
            Chain::Whole => vec![leaf, issuer.pem()],
            Chain::LeafAlone => vec![leaf],
            Chain::LeafLast => vec![issuer.pem(), leaf],
            Chain::WithRoot => vec![leaf, issuer.pem(), self.root_pem()],
        };
        let stored = if planned.other_key {
            KeyPair::generate_for(algorithm)?
        } else {
            key
        };
        Ok(Issued {
            certificates: chain.concat(),
            key: stored.serialize_pem(),
            request,
            not_before,
            not_after,
        })
    }
}

fn authority(organisation: &str, name: &str, from: i32, years: i32, issuer: Option<&str>) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "US");
    params.distinguished_name.push(DnType::OrganizationName, organisation);
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(serial()?);
    params.not_before = date_time_ymd(from, 3, 13);
    params.not_after = date_time_ymd(from + years, 3, 13) - Duration::seconds(1);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
    ];
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    if let Some(url) = issuer {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.custom_extensions.push(issuer_url(url)?);
        params.custom_extensions.push(domain_validated());
    }
    Ok(params)
}

/// 18 octets, the first of them positive: rcgen's own choice may take 21, one more than RFC 5280 allows (section 4.1.2.2).
fn serial() -> Result<SerialNumber> {
    let mut octets = [0x05; 18];
    aws_lc_rs::rand::fill(&mut octets[1..]).map_err(|_| "no random numbers are to be had")?;
    Ok(SerialNumber::from_slice(&octets))
}

fn leaf(planned: &Planned) -> Result<CertificateParams> {
    let names: Vec<String> = planned.names.iter().map(|name| (*name).to_owned()).collect();
    let common_name = names.first().ok_or("a certificate has no name")?.clone();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    if matches!(planned.key, Key::Rsa2048) {
        params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
    }
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn request(planned: &Planned) -> Result<String> {
    let names: Vec<String> = planned.names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    Ok(params.serialize_request(&KeyPair::generate()?)?.pem()?)
}

/// Authority information access: where the issuer's certificate is (RFC 5280, section 4.2.2.1).
fn issuer_url(url: &str) -> Result<CustomExtension> {
    const CA_ISSUERS: [u8; 10] = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];
    let location = tagged(0x86, url.as_bytes())?;
    let description = tagged(0x30, &[&CA_ISSUERS[..], &location].concat())?;
    Ok(CustomExtension::from_oid_content(
        &[1, 3, 6, 1, 5, 5, 7, 1, 1],
        tagged(0x30, &description)?,
    ))
}

/// Certificate policies: domain validated (2.23.140.1.2.1).
fn domain_validated() -> CustomExtension {
    let content = vec![0x30, 0x0a, 0x30, 0x08, 0x06, 0x06, 0x67, 0x81, 0x0c, 0x01, 0x02, 0x01];
    CustomExtension::from_oid_content(&[2, 5, 29, 32], content)
}

/// DER of a value of at most 127 bytes.
fn tagged(tag: u8, value: &[u8]) -> Result<Vec<u8>> {
    let length = u8::try_from(value.len())
        .ok()
        .filter(|length| *length < 0x80)
        .ok_or("a value is too long")?;
    Ok([&[tag, length], value].concat())
}
