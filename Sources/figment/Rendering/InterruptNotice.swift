import Control
import Glibc

/// What Ctrl-C says while a job is followed: the job goes on without whoever watches it.
enum InterruptNotice {
  /// Written by the handler of the signal, which may do little more: the text is made beforehand.
  nonisolated(unsafe) private static var text: UnsafeMutablePointer<CChar>?

  /// What is said of a job.
  static func words(about job: JobID) -> String {
    "\n\(job) goes on without you.\n  follow it again: figment watch \(job)\n"
      + "  let it wait:     figment pause \(job)\n  stop it:         figment cancel \(job)\n"
  }

  /// From now on, Ctrl-C says how a job gets on, and then ends this process as it always does.
  static func begin(about job: JobID) {
    end()
    text = strdup(words(about: job))
    signal(SIGINT) { _ in
      if let text = InterruptNotice.text { _ = write(STDERR_FILENO, text, strlen(text)) }
      signal(SIGINT, SIG_DFL)
      raise(SIGINT)
    }
  }

  /// From now on, Ctrl-C says nothing.
  static func end() {
    signal(SIGINT, SIG_DFL)
    free(text)
    text = nil
  }
}
