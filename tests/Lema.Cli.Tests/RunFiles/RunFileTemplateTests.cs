using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lema.Cli.RunFiles;

namespace Lema.Cli.Tests.RunFiles;

public sealed class RunFileTemplateTests
{
    [Fact]
    public void All_Keys_AreDescribed() => Assert.All(RunFileKey.All, key => Assert.NotEqual("", key.Description));

    [Fact]
    public void Write_AsItIs_IsAValidRunFile()
    {
        RunFile file = RunFile.Parse(RunFileTemplate.Write("lema-tiny", "replies", "schema.json"), "run.yaml", []);

        Assert.Equal(("lema-tiny", "replies", 200), (file.Model, file.Dataset, file.Settings.Steps));
    }

    [Fact]
    public void Write_WithEveryDefaultUncommented_IsAValidRunFile()
    {
        string template = RunFileTemplate.Write("lema-tiny", "replies", "schema.json");
        IEnumerable<string> lines = template.Split('\n').Where(l => !l.StartsWith("# yaml-", StringComparison.Ordinal) && !l.StartsWith("# A ", StringComparison.Ordinal) && !l.StartsWith("# Keys", StringComparison.Ordinal));
        string uncommented = string.Join('\n', lines.Select(l => Regex.Replace(l, "^# ", "")));

        RunFile file = RunFile.Parse(uncommented, "run.yaml", []);

        Assert.Equal(16, file.Settings.Lora.R);
        Assert.True(file.Settings.AutoResume);
    }

    [Fact]
    public void Schema_EveryKey_IsAPropertyWithADescription()
    {
        JsonNode schema = JsonNode.Parse(RunFileSchema.Write())!;

        Assert.All(RunFileKey.All, key =>
        {
            JsonNode? at = schema;
            foreach (string part in key.Name.Split('.')) at = at!["properties"]?[part];
            Assert.Equal(key.Description, at?["description"]?.GetValue<string>());
        });
        Assert.Equal(["cosine", "linear", "constant"], schema["properties"]!["schedule"]!["enum"]!.AsArray().Select(v => v!.GetValue<string>()));
        Assert.False(schema["additionalProperties"]!.GetValue<bool>());
    }
}
