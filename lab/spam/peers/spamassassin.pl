# Judges mail by SpamAssassin without network tests, its Bayes taught the other folds.
# Standard input: path, fold, "spam" or "ham", parted by tabs. Standard output: path and score.
use strict;
use warnings;
use Mail::SpamAssassin;

my ($dir, $count) = @ARGV;
my @mails = map { chomp; [split /\t/] } <STDIN>;
my %folds = map { $_->[1] => 1 } @mails;
$| = 1;

sub octets {
    open my $in, '<:raw', $_[0] or die "$_[0]: $!\n";
    local $/;
    return scalar <$in>;
}

for my $fold (grep { $_ < $count } sort keys %folds) {
    my $sa = Mail::SpamAssassin->new({
        local_tests_only => 1, dont_copy_prefs => 1, userprefs_filename => '/dev/null', userstate_dir => $dir,
        post_config_text => "bayes_path $dir/bayes-$fold\nbayes_auto_learn 0\nuse_bayes 1\nuse_auto_whitelist 0\n",
    });
    $sa->init(1);
    $sa->init_learner({ caller_will_untie => 1 });
    for (grep { $_->[1] ne $fold } @mails) {
        my $mail = $sa->parse(octets($_->[0]));
        $sa->learn($mail, undef, $_->[2] eq 'spam' ? 1 : 0, 0)->finish;
        $mail->finish;
    }
    $sa->rebuild_learner_caches;
    $sa->finish_learner;
    for (grep { $_->[1] eq $fold } @mails) {
        my $mail = $sa->parse(octets($_->[0]));
        my $status = $sa->check($mail);
        print "$_->[0]\t", $status->get_score, "\n";
        $status->finish;
        $mail->finish;
    }
    $sa->finish;
}
