//! Addresses: of ranges that are nested or apart, every combination has one beside a border.

// Addresses only: `core::net` has no sockets.
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::authorization::enforcement::attribute::Value;
use crate::authorization::enforcement::predicate::{Predicate, range};

/// Beside each border of each range, and some that are probably in none.
pub(super) fn candidates(predicates: &[Predicate<'_>]) -> Vec<Value> {
    let mut addresses = Vec::new();
    for predicate in predicates {
        if let Predicate::Network(network) = predicate {
            let (first, last) = range(*network);
            let inner = first.checked_add(1).filter(|inner| *inner < last);
            let borders = [inner, Some(first), Some(last)];
            let outer = [last.checked_add(1), first.checked_sub(1)];
            let numbers = borders.into_iter().chain(outer).flatten();
            addresses.extend(numbers.filter_map(|number| like(network.address, number)));
        }
    }
    addresses.extend([
        IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)),
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    ]);
    addresses.into_iter().map(Value::Ip).collect()
}

/// The address with this number in the family of another; none beyond its end.
fn like(family: IpAddr, number: u128) -> Option<IpAddr> {
    match family {
        IpAddr::V4(_) => u32::try_from(number).ok().map(|n| IpAddr::V4(n.into())),
        IpAddr::V6(_) => Some(IpAddr::V6(number.into())),
    }
}
