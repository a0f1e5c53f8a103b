import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import Runs
@testable import figmentd

/// If a disk is full, a process that works for a job waits, and no write is lost.
@Suite struct RoomPatienceTests {
  /// A full device that is replaced by a file with free space during the third wait.
  private final class FullDevice: Sendable {
    let scratch = ScratchFolder()
    let descriptor = open("/dev/full", O_WRONLY | O_CLOEXEC)
    let patience = RoomPatience()
    private let count = Mutex(0)
    var waits: Int { count.withLock { $0 } }
    var path: String { scratch.path + "/file" }

    init() {
      let (descriptor, path) = (descriptor, path)
      patience.wait { [unowned self] in
        let tries = self.count.withLock { count in
          count += 1
          return count
        }
        guard tries == 3 else { return true }
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        dup2(file, descriptor)
        close(file)
        return true
      }
    }

    deinit { close(descriptor) }
  }

  @Test func aFileThatFoundNoRoomIsWrittenWholeWhenThereIsSome() throws {
    let device = FullDevice()
    let data = Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0) })
    try DurableFile.writeAll(
      data, to: device.descriptor, of: device.path, patience: device.patience)
    #expect(device.waits == 3)
    #expect(try DurableFile.read(device.path) == data)
  }

  @Test func aLineOfALedgerThatFoundNoRoomIsWrittenWholeWhenThereIsSome() throws {
    let device = FullDevice()
    var disk = SystemLedgerFileDisk()
    disk.patience = device.patience
    try disk.write(Array("line\n".utf8), to: device.descriptor)
    #expect(device.waits == 3)
    #expect(try DurableFile.read(device.path) == Data("line\n".utf8))
    #expect(!device.patience.hasEnded)
  }

  @Test func withoutPatienceAFailureStands() throws {
    let descriptor = open("/dev/full", O_WRONLY | O_CLOEXEC)
    defer { close(descriptor) }
    let error = #expect(throws: SystemCallError.self) {
      try DurableFile.writeAll(Data("x".utf8), to: descriptor, of: "a file")
    }
    #expect(error?.code == ENOSPC)
    let fault = #expect(throws: LedgerFileFault.self) {
      try SystemLedgerFileDisk().write([1], to: descriptor)
    }
    #expect(fault?.code == ENOSPC)
  }

  @Test func whoMayNotWaitAnyLongerFailsAndIsKnownToHaveEnded() throws {
    let patience = RoomPatience()
    patience.wait { false }
    let error = #expect(throws: SystemCallError.self) {
      try systemCall("open", "a file", patience: patience) {
        errno = EDQUOT
        return -1
      }
    }
    #expect(error?.code == EDQUOT)
    #expect(patience.hasEnded)
  }

  @Test func aCallThatWaitsFailsWhenWaitingEnds() throws {
    let patience = RoomPatience()
    patience.wait {
      patience.endWaiting()
      return true
    }
    for _ in 0..<2 {
      let error = #expect(throws: SystemCallError.self) {
        try systemCall("write", "a file", patience: patience) {
          errno = ENOSPC
          return -1
        }
      }
      #expect(error?.code == ENOSPC)
    }
  }

  @Test func nothingButWantOfRoomIsWaitedForAndNoFlushIsRepeated() throws {
    let patience = RoomPatience()
    let waits = Mutex(0)
    patience.wait {
      waits.withLock { $0 += 1 }
      return true
    }
    for (call, code) in [("write", EIO), ("open", ENOENT), ("fsync", ENOSPC)] {
      let error = #expect(throws: SystemCallError.self) {
        try systemCall(call, "a file", patience: patience) {
          errno = code
          return -1
        }
      }
      #expect(error?.code == code)
    }
    #expect(waits.withLock { $0 } == 0)
    #expect(!patience.hasEnded)
  }
}
