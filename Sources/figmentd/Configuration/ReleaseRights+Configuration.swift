import Control
import Glibc
import Runs

extension ReleaseRights {
  /// Resolves the rights that a configuration requests.
  ///
  /// - Throws: `ControlError` if the group does not exist on this machine, or if this process may not
  ///   assign files to it.
  init(_ configuration: ReleaseConfiguration) throws(ControlError) {
    let group = try configuration.group.map { name throws(ControlError) in
      let number = try UserAccount.number(ofGroup: name, key: "release.group")
      guard UserAccount.mayGive(toGroup: number) else { throw UserAccount.notMember(of: name) }
      return number
    }
    self.init(group: group, folderMode: mode_t(configuration.mode))
  }
}
