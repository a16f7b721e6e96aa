using Google.Protobuf.Reflection;
using Lema.Server.Security;

namespace Lema.Server.Tests;

/// <summary>Within lema.v1 things are only ever added: clients of the last release keep working.</summary>
public sealed class ProtoCompatibilityTests
{
    private static readonly FileDescriptorSet Released = FileDescriptorSet.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "released.pb")));

    private static IReadOnlyList<FileDescriptorProto> Now => [.. MethodRoles.Served.SelectMany(WithDependencies).Where(file => file.Package == "lema.v1").DistinctBy(file => file.Name).Select(file => file.ToProto())];

    [Fact]
    public void EveryReleasedField_IsStillThereWithItsNumberTypeAndName()
    {
        Dictionary<string, DescriptorProto> now = Now.SelectMany(file => Messages(file.MessageType, "")).ToDictionary(pair => pair.Name, pair => pair.Message);
        int fields = 0;
        foreach ((string name, DescriptorProto message) in Released.File.Where(file => file.Package == "lema.v1").SelectMany(file => Messages(file.MessageType, "")))
        {
            Assert.True(now.TryGetValue(name, out DescriptorProto? current), $"message {name} is gone");
            foreach (FieldDescriptorProto field in message.Field)
            {
                fields++;
                FieldDescriptorProto? same = current!.Field.FirstOrDefault(f => f.Number == field.Number);
                Assert.True(same is not null, $"{name}.{field.Name} is gone");
                Assert.Equal((field.Name, field.Type, field.Label, field.TypeName), (same!.Name, same.Type, same.Label, same.TypeName));
            }
        }
        Assert.True(fields > 200);
    }

    [Fact]
    public void EveryReleasedEnumValue_IsStillThereWithItsNumber()
    {
        Dictionary<string, EnumDescriptorProto> now = Now.SelectMany(Enums).ToDictionary(pair => pair.Name, pair => pair.Enum);
        foreach ((string name, EnumDescriptorProto released) in Released.File.Where(file => file.Package == "lema.v1").SelectMany(Enums))
            foreach (EnumValueDescriptorProto value in released.Value)
                Assert.Contains(now[name].Value, current => current.Name == value.Name && current.Number == value.Number);
    }

    [Fact]
    public void EveryReleasedMethod_IsStillThereWithItsMessages()
    {
        Dictionary<string, MethodDescriptorProto> now = Now.SelectMany(file => file.Service).SelectMany(service => service.Method.Select(method => (Name: service.Name + "/" + method.Name, method)))
            .ToDictionary(pair => pair.Name, pair => pair.method);
        foreach (ServiceDescriptorProto service in Released.File.Where(file => file.Package == "lema.v1").SelectMany(file => file.Service))
            foreach (MethodDescriptorProto method in service.Method)
            {
                Assert.True(now.TryGetValue(service.Name + "/" + method.Name, out MethodDescriptorProto? current), $"{service.Name}/{method.Name} is gone");
                Assert.Equal((method.InputType, method.OutputType, method.ClientStreaming, method.ServerStreaming), (current!.InputType, current.OutputType, current.ClientStreaming, current.ServerStreaming));
            }
    }

    private static IEnumerable<FileDescriptor> WithDependencies(FileDescriptor file) => file.Dependencies.SelectMany(WithDependencies).Append(file);

    private static IEnumerable<(string Name, DescriptorProto Message)> Messages(IEnumerable<DescriptorProto> messages, string prefix) =>
        messages.SelectMany(message => Messages(message.NestedType, prefix + message.Name + ".").Append((prefix + message.Name, message)));

    private static IEnumerable<(string Name, EnumDescriptorProto Enum)> Enums(FileDescriptorProto file) => file.EnumType.Select(type => (type.Name, type))
        .Concat(Messages(file.MessageType, "").SelectMany(pair => pair.Message.EnumType.Select(type => (pair.Name + "." + type.Name, type))));
}
