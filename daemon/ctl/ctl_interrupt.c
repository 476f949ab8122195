/* daemon/ctl/ctl_interrupt.c - a command that says so when a signal ends it.
 *
 * The handler only writes and exits, which is all that it may do at any moment. So it is for
 * commands that leave nothing half done behind.
 */
#include "daemon/ctl/ctl_interrupt.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const char *consequence = "";

static void say(const char *text)
{
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));

    (void)ignored;
}

static void end(int signal_number)
{
    say("recsysctl: interrupted; ");
    say(consequence);
    say("\n");
    _exit(128 + signal_number);
}

void ctl_interrupt_with(const char *text)
{
    struct sigaction action = {.sa_handler = end};

    consequence = text;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}
