using System.Text;
using System.Text.RegularExpressions;

namespace Lema.EndToEnd.Tests;

/// <summary>README.md's walk-through, line by line as a user would type it.</summary>
[Collection(OneAtATime.Name)]
public sealed partial class ReadmeTests(Daemon daemon) : IClassFixture<Daemon>
{
    [Fact]
    public async Task WalkThrough_TypedAsItStands_Works()
    {
        Assert.SkipUnless(File.Exists("/bin/bash"), "The walk-through is for bash.");
        string readme = await File.ReadAllTextAsync(Path.Combine(Checkout.Root, "README.md"));
        string[] blocks = [.. WalkThroughBlock().Matches(readme).Select(m => m.Groups["script"].Value)];
        Assert.NotEmpty(blocks);
        StringBuilder script = new("set -euo pipefail\n");
        script.Append($"lema-remote() {{ '{Checkout.Cli}' \"$@\" </dev/null; }}\n");
        foreach (string block in blocks) script.Append(block).Append('\n');

        Finished finished = await Programs.RunAsync("/bin/bash", daemon.Home, daemon.Variables, "-c", script.ToString());

        finished.Succeeded();
        Assert.Contains("[LEMA_REPLY]", finished.Out, StringComparison.Ordinal);
    }

    /// <summary>Fenced blocks that follow the mark of the walk-through.</summary>
    [GeneratedRegex("<!-- walk-through -->\\s*```bash\\n(?<script>.*?)```", RegexOptions.Singleline)]
    private static partial Regex WalkThroughBlock();
}
