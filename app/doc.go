// Package app puts the platform together: which store, which services, which doors,
// in plain constructors. Nothing is found by name or happens by importing.
//
// Embedded and Cluster are the two products. Both give a Platform, which is started, and stopped
// in the opposite order. The boot file (Config) holds what is needed before the store opens; all else is
// objects behind the directory.
package app
