using System.Diagnostics;
using Lema.Testing;

namespace Lema.EndToEnd.Tests;

/// <summary>
/// What a user installs: <c>lema-remote</c>, native where a C linker is there, and <c>lema-server</c>, as <c>dotnet publish</c> puts them side by side.
/// The long tests publish them; LEMA_PROGRAMS names a folder where that has been done, for all tests.
/// </summary>
internal static class PublishedPrograms
{
    /// <summary>The folder of both; null: the tests run what was built.</summary>
    public static string? Folder { get; } = Environment.GetEnvironmentVariable("LEMA_PROGRAMS") is { Length: > 0 } given ? given : LongTests.AreAskedFor ? Publish() : null;

    private static string Publish()
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "published");
        foreach (string project in new[] { "Lema.Cli", "Lema.Server" })
        {
            ProcessStartInfo start = new("dotnet", ["publish", Path.Combine(Checkout.Root, "src", project), "-c", "Release", "-v", "q", "--nologo", "-o", folder]) { RedirectStandardOutput = true };
            using Process publish = Process.Start(start)!;
            string said = publish.StandardOutput.ReadToEnd();
            publish.WaitForExit();
            if (publish.ExitCode != 0) throw new InvalidOperationException($"{project} cannot be published: {said}");
        }
        return folder;
    }
}
