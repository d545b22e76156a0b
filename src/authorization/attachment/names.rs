//! The names that Kubernetes objects may have (DNS-1123), with the place where a text breaks them.

/// Which names a kind of object may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NameRule {
    /// Lower-case letters, digits and `-`, up to 63: namespaces and Services.
    Label,
    /// Labels joined by `.`, up to 253: ServiceAccounts and Gateways.
    Subdomain,
}

/// What is wrong with a name, and where.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BadName {
    /// There is nothing.
    Empty,
    /// A character that may not stand there, at this offset in characters.
    Character(usize, char),
    /// Longer than it may be; the offset of the first character too many is the limit itself.
    TooLong,
}

// === impl NameRule ===

impl NameRule {
    /// How many characters.
    pub fn limit(self) -> usize {
        match self {
            Self::Label => 63,
            Self::Subdomain => 253,
        }
    }

    /// What is allowed, for an error.
    pub fn allowed(self) -> &'static str {
        match self {
            Self::Label => "lower-case letters, digits, and '-' inside",
            Self::Subdomain => "lower-case letters, digits, and '-' or '.' inside",
        }
    }

    /// Finds the first thing wrong with a name.
    pub fn check(self, name: &str) -> Result<(), BadName> {
        let characters: Vec<char> = name.chars().collect();
        if characters.is_empty() {
            return Err(BadName::Empty);
        }
        for (offset, &character) in characters.iter().enumerate() {
            if offset == self.limit() {
                return Err(BadName::TooLong);
            }
            let before = offset.checked_sub(1).map(|offset| characters[offset]);
            if !self.may_stand(before, character, characters.get(offset + 1).copied()) {
                return Err(BadName::Character(offset, character));
            }
        }
        Ok(())
    }

    fn may_stand(self, before: Option<char>, character: char, after: Option<char>) -> bool {
        let joins = |neighbour: Option<char>| neighbour.is_some_and(|c| c != '.');
        match (self, character) {
            (_, 'a'..='z' | '0'..='9') => true,
            (_, '-') => joins(before) && joins(after),
            (Self::Subdomain, '.') => joins(before) && after.is_some(),
            (Self::Label | Self::Subdomain, _) => false,
        }
    }
}
