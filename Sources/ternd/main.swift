import TernPlatform

Process.exit(run(Process.arguments).rawValue)
