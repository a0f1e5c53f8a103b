import Control
import Glibc
import Runs

extension ReleaseRights {
  /// The rights that a configuration asks for.
  ///
  /// - Throws: `ControlError` when there is no such group on this machine, or when this process may not
  ///   give it files.
  init(_ configuration: ReleaseConfiguration) throws(ControlError) {
    let group = try configuration.group.map { name throws(ControlError) in
      let number = try UserAccount.number(ofGroup: name, key: "release.group")
      guard UserAccount.mayGive(toGroup: number) else { throw UserAccount.notMember(of: name) }
      return number
    }
    self.init(group: group, folderMode: mode_t(configuration.mode))
  }
}
