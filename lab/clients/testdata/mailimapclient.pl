# Mail::IMAPClient goes through an account: perl mailimapclient.pl HOST PORT USER PASSWORD CA
use strict;
use warnings;
use IO::Socket::SSL;
use Mail::IMAPClient;

my ($host, $port, $user, $password, $ca) = @ARGV;
my $socket = IO::Socket::SSL->new(PeerAddr => $host, PeerPort => $port, SSL_ca_file => $ca, SSL_verify_mode => SSL_VERIFY_PEER)
	or die "TLS: $!, $SSL_ERROR";
my $imap = Mail::IMAPClient->new(Socket => $socket, User => $user, Password => $password, Uid => 1, Peek => 1) or die "sign-in: $@";

sub ok { my ($what, $said) = @_; die "$what: " . ($imap->LastError // "no error") unless $said }

ok("namespace", $imap->namespace);
ok("create", $imap->create("Perl"));
for my $n (1 .. 10) {
	my $uid = $imap->append_string("Perl", "Subject: perl $n\r\nMessage-ID: <$n\@perl.example>\r\nFrom: a\@example.org\r\n\r\nbody $n\r\n");
	ok("append", $uid);
	die "APPENDUID: $uid" unless $uid =~ /^\d+$/;
}
ok("select", $imap->select("Perl"));
my @all = $imap->messages;
die "messages: @all" unless @all == 10;
die "unseen" unless $imap->unseen_count == 10;
ok("see", $imap->see(@all[0 .. 3]));
die "unseen afterwards" unless $imap->unseen_count == 6;
my $subject = $imap->subject($all[4]);
die "subject: $subject" unless $subject eq "perl 5";
die "body" unless $imap->body_string($all[4]) =~ /^body 5\r?\n$/;
my $id = $imap->search(HEADER => "Message-ID" => \"<7\@perl.example>");
die "search by Message-ID" unless $id && @$id == 1 && $id->[0] == $all[6];
my $hashes = $imap->fetch_hash("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE");
die "fetch_hash" unless keys(%$hashes) == 10 && $hashes->{$all[0]}{FLAGS} =~ /\\Seen/;
my $structure = $imap->get_bodystructure($all[0]);
die "bodystructure" unless $structure && lc($structure->bodytype) eq "text";
ok("copy", $imap->copy("INBOX", @all[0, 1]));
ok("move", $imap->move("INBOX", @all[2, 3]));
ok("delete_message", $imap->delete_message($all[9]));
ok("expunge", $imap->expunge);
die "left: " . $imap->message_count unless $imap->message_count == 7;
my @sorted = $imap->sort("REVERSE SUBJECT", "UTF-8", "ALL");
die "sort: @sorted" if $imap->has_capability("SORT") && (@sorted != 7 || $sorted[0] != $all[8]);
my $threads = $imap->has_capability("THREAD=REFERENCES") ? $imap->thread("REFERENCES") : [];
die "thread" if $imap->has_capability("THREAD=REFERENCES") && @$threads != 7;
my $tag = $imap->idle or die "idle: $@";
ok("done", $imap->done($tag));
ok("quota", $imap->tag_and_run("GETQUOTAROOT INBOX"));
ok("close", $imap->close);
ok("delete", $imap->delete("Perl"));
ok("logout", $imap->logout);
print "done\n";
