//! Accounts of small meshes, whose figures were computed by hand.
