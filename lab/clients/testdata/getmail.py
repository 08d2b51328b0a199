# Runs Debian's getmail, which waits for its delivering child by a SIGCHLD handler that it sets after the fork: a child that ends
# first is never heard of, and getmail stands still until its time-out. Here it waits for the child itself; all else is getmail's.
import os
import runpy
import shutil
import sys

from getmailcore.baseclasses import ForkingBase


def wait(self, child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


ForkingBase._prepare_child = lambda self: None
ForkingBase._wait_for_child = wait
sys.argv[0] = shutil.which('getmail')
runpy.run_path(sys.argv[0], run_name='__main__')
