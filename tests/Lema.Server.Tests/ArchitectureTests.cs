using System.Xml.Linq;
using Lema.Testing;

namespace Lema.Server.Tests;

/// <summary>References go one way: clients know the protos only, the engine knows neither gRPC nor ASP.NET.</summary>
public sealed class ArchitectureTests
{
    [Theory]
    [InlineData("Lema.Engine", "")]
    [InlineData("Lema.Protocol", "")]
    [InlineData("Lema.Cli", "Lema.Protocol")]
    [InlineData("Lema.Web", "Lema.Protocol")]
    [InlineData("Lema.Server", "Lema.Engine Lema.Protocol")]
    public void Project_References_AreThoseOfTheArchitecture(string project, string allowed)
    {
        string[] references = [.. Items(project, "ProjectReference")
            .Where(item => (string?)item.Attribute("ReferenceOutputAssembly") != "false")
            .Select(item => Path.GetFileNameWithoutExtension(((string)item.Attribute("Include")!).Replace('\\', '/'))).Order(StringComparer.Ordinal)];
        Assert.Equal(allowed.Split(' ', StringSplitOptions.RemoveEmptyEntries), references);
    }

    [Fact]
    public void Engine_Packages_AreNeitherGrpcNorAspNet() =>
        Assert.DoesNotContain(Items("Lema.Engine", "PackageReference").Select(item => (string)item.Attribute("Include")!),
            package => package.StartsWith("Grpc", StringComparison.Ordinal) || package.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal));

    private static IEnumerable<XElement> Items(string project, string kind) =>
        XDocument.Load(Path.Combine(Repository.Folder, "src", project, project + ".csproj")).Descendants(kind);
}
