// Package internet lets real hosts exchange mail: two platforms under `tegami serve`, a third whose certificate is for
// somebody else, and a Postfix from Debian, each at a loopback address of its own, with a name service that knows them all.
// What Postfix received is judged by programs that are not ours: dkimpy, pyspf and authheaders. Only tests live here; each
// part skips, saying so, where the machine lacks what it needs: Postfix and root for it, port 443 for
// MTA-STS, the Python modules for the judging.
//
//	alpha.example  127.0.1.1  Tegami
//	beta.example   127.0.1.2  Tegami, MTA-STS enforced
//	gamma.example  127.0.1.3  Postfix, DANE
//	delta.example  127.0.1.4  Tegami, MTA-STS enforced, with a certificate for another name
package internet
