import Control
import Glibc

/// The message that Ctrl-C prints while a job is followed: the job continues without the follower.
enum InterruptNotice {
  /// Formatted beforehand, because a signal handler may do little more than write it.
  nonisolated(unsafe) private static var text: UnsafeMutablePointer<CChar>?

  /// The message about a job.
  static func words(about job: JobID) -> String {
    "\n\(job) continues in the daemon.\n  follow it again: figment watch \(job)\n"
      + "  pause it:        figment pause \(job)\n  cancel it:       figment cancel \(job)\n"
  }

  /// Makes Ctrl-C print the message about a job before it ends this process as usual.
  static func begin(about job: JobID) {
    end()
    text = strdup(words(about: job))
    signal(SIGINT) { _ in
      if let text = InterruptNotice.text { _ = write(STDERR_FILENO, text, strlen(text)) }
      signal(SIGINT, SIG_DFL)
      raise(SIGINT)
    }
  }

  /// Restores the usual behaviour of Ctrl-C.
  static func end() {
    signal(SIGINT, SIG_DFL)
    free(text)
    text = nil
  }
}
