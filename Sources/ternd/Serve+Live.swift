import TernPlatform
import TernService

/// The socket of frames; nil when there is to be none.
func openFrames(_ path: String?, _ group: Int?) throws(Failure) -> ListeningSocket? {
    guard let path else { return nil }
    do throws(SocketError) {
        let socket = try ListeningSocket(path: path, group: group, takesPackets: true)
        if socket.replacedStaleSocket { say("frames: replaced a socket that nobody listened on", .warning) }
        return socket
    } catch {
        var failure = Failure(error)
        failure.message = "frames: " + failure.message
        throw failure
    }
}
