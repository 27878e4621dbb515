//! What each Secret of the example holds. All dates are set so that the picture of 2026-12-01 never changes.

/// One Secret.
pub(super) struct Planned {
    /// Its namespace and name.
    pub(super) secret: &'static str,
    /// The DNS names of its certificate.
    pub(super) names: &'static [&'static str],
    /// notBefore: year, month, day, hour, minute, second.
    pub(super) from: (i32, u8, u8, i64, i64, i64),
    /// The lifetime in days.
    pub(super) days: i64,
    pub(super) key: Key,
    pub(super) signer: Signer,
    pub(super) chain: Chain,
    /// tls.key is another key than the certificate's.
    pub(super) other_key: bool,
}

/// The kind of a leaf's key.
pub(super) enum Key {
    P256,
    Rsa2048,
}

/// Who signs a leaf.
pub(super) enum Signer {
    Ecdsa,
    Rsa,
    Staging,
    Itself,
}

/// What tls.crt holds, in its order.
pub(super) enum Chain {
    Whole,
    LeafAlone,
    LeafLast,
    WithRoot,
}

/// A healthy certificate of 90 days.
const fn good(secret: &'static str, names: &'static [&'static str], from: (i32, u8, u8, i64, i64, i64)) -> Planned {
    let (key, signer, chain) = (Key::P256, Signer::Ecdsa, Chain::Whole);
    Planned {
        secret,
        names,
        from,
        days: 90,
        key,
        signer,
        chain,
        other_key: false,
    }
}

pub(super) const SECRETS: &[Planned] = &[
    good(
        "shop/storefront-tls",
        &["larkspur.example", "shop.larkspur.example", "www.larkspur.example"],
        (2026, 10, 20, 3, 14, 7),
    ),
    good(
        "shop/account-tls",
        &["account.larkspur.example"],
        (2026, 10, 20, 3, 15, 42),
    ),
    // Expired a week ago; its renewals fail.
    good(
        "shop/checkout-tls",
        &["checkout.larkspur.example"],
        (2026, 8, 26, 6, 12, 45),
    ),
    // Due since 16 November.
    Planned {
        key: Key::Rsa2048,
        signer: Signer::Rsa,
        ..good("shop/api-tls", &["api.larkspur.example"], (2026, 9, 17, 9, 40, 3))
    },
    // The certificate was renewed, and the key before it put beside it.
    Planned {
        other_key: true,
        ..good(
            "shop/gift-cards-tls",
            &["giftcards.larkspur.example"],
            (2026, 11, 3, 14, 2, 51),
        )
    },
    // The second host of its Ingress came later.
    good(
        "shop/wholesale-tls",
        &["wholesale.larkspur.example"],
        (2026, 10, 28, 11, 30, 18),
    ),
    // Opaque.
    good("shop/track-tls", &["track.larkspur.example"], (2026, 11, 9, 16, 21, 33)),
    Planned {
        key: Key::Rsa2048,
        signer: Signer::Staging,
        ..good(
            "shop/storefront-preview-tls",
            &["preview.larkspur.example"],
            (2026, 11, 12, 8, 5, 26),
        )
    },
    // A Gateway in another namespace refers to it without a grant.
    good(
        "shop/partners-tls",
        &["partners.larkspur.example"],
        (2026, 11, 17, 10, 44, 9),
    ),
    // Two Certificates write it.
    good("blog/blog-tls", &["blog.larkspur.example"], (2026, 10, 22, 2, 50, 11)),
    Planned {
        chain: Chain::LeafAlone,
        ..good(
            "blog/recipes-tls",
            &["recipes.larkspur.example"],
            (2026, 11, 5, 13, 37, 29),
        )
    },
    good(
        "blog/brew-guides-tls",
        &["guides.larkspur.example", "brew.larkspur.example"],
        (2026, 10, 30, 7, 8, 54),
    ),
    // The same host as the next one's.
    good(
        "blog/careers-tls",
        &["careers.larkspur.example"],
        (2026, 10, 25, 5, 19, 2),
    ),
    good(
        "intranet/careers-tls",
        &["careers.larkspur.example"],
        (2026, 11, 19, 15, 11, 47),
    ),
    Planned {
        key: Key::Rsa2048,
        signer: Signer::Itself,
        days: 3650,
        ..good(
            "intranet/wiki-tls",
            &["wiki.intra.larkspur.example"],
            (2024, 5, 6, 12, 0, 31),
        )
    },
    good(
        "intranet/intra-wildcard-tls",
        &["*.intra.larkspur.example"],
        (2026, 11, 1, 4, 26, 38),
    ),
    // The chain was put together in the wrong order.
    Planned {
        key: Key::Rsa2048,
        signer: Signer::Rsa,
        chain: Chain::LeafLast,
        ..good(
            "intranet/payroll-tls",
            &["payroll.intra.larkspur.example"],
            (2026, 10, 14, 10, 3, 20),
        )
    },
    Planned {
        chain: Chain::WithRoot,
        ..good(
            "intranet/chat-tls",
            &["chat.intra.larkspur.example"],
            (2026, 11, 10, 9, 55, 13),
        )
    },
    good(
        "roastery/stock-tls",
        &["stock.larkspur.example", "greenbeans.larkspur.example"],
        (2026, 10, 17, 6, 33, 49),
    ),
    good(
        "roastery/roastery-wildcard-tls",
        &["*.roastery.larkspur.example"],
        (2026, 11, 6, 1, 47, 16),
    ),
    good(
        "roastery/cupping-tls",
        &["cupping.larkspur.example"],
        (2026, 11, 14, 20, 9, 5),
    ),
    // Its second name has moved on.
    good(
        "roastery/profiles-tls",
        &["profiles.larkspur.example", "curves.larkspur.example"],
        (2026, 10, 11, 18, 52, 40),
    ),
    // No route: a broker mounts it.
    Planned {
        key: Key::Rsa2048,
        signer: Signer::Rsa,
        ..good(
            "roastery/mqtt-tls",
            &["mqtt.roastery.larkspur.example"],
            (2026, 10, 23, 22, 1, 35),
        )
    },
    good(
        "edge/status-tls",
        &["status.larkspur.example"],
        (2026, 11, 8, 0, 58, 22),
    ),
];
