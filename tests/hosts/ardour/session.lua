-- Writes an Ardour session: a mono track that repeats a WAV file, the plugin in it.
-- Usage: ardour7-lua session.lua SESSION_FOLDER WAV PLUGIN_NAME
local REPEATS = 30 -- a loop would be up to the transport
local folder, wav, name = arg[1], arg[2], arg[3]
io.stdout:setvbuf("no") -- Ardour may crash on the way out: lose nothing that we said

-- The rate and the length, from the file's header.
local function header(path)
	local file = assert(io.open(path, "rb"))
	local rate, align
	file:seek("set", 12) -- past RIFF, size, WAVE
	while true do
		local chunk = assert(file:read(8), path .. ": no data chunk")
		local id, size = string.unpack("<c4 I4", chunk)
		if id == "fmt " then
			local _
			_, _, rate, _, align = string.unpack("<I2 I2 I4 I4 I2", file:read(size))
		elseif id == "data" then
			file:close()
			return rate, size // align
		else
			file:seek("cur", size + size % 2)
		end
	end
end
local rate, frames = header(wav)

assert(not AudioEngine:set_backend("None (Dummy)", "", ""):isnil())
local session = assert(create_session(folder, "session", rate))
local track = session:new_audio_track(1, 2, nil, 1, "Speech",
	ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true):front()
local plugin = ARDOUR.LuaAPI.new_plugin(session, name, ARDOUR.PluginType.VST3, "")
assert(not plugin:isnil(), "Ardour does not know a VST3 " .. name)
assert(track:add_processor_by_index(plugin, 0, nil, true) == 0, "Ardour does not insert " .. name)
session:save_state("")
local window = ("P-%s-%s"):format(track:to_stateful():id():to_s(), plugin:to_stateful():id():to_s())

-- What Lua has no call for goes into the file: the regions and the open window.
-- Times are in superclocks, of which Ardour has 282 240 000 a second.
local length, source, regions = frames * 282240000 // rate, 900000, {}
for i = 0, REPEATS - 1 do
	regions[#regions + 1] = ('<Region name="speech.%d" type="audio" id="%d" start="a0" length="a%d@a%d"'
		.. ' source-0="%d" master-source-0="%d" channels="1" whole-file="0"/>'):format(
		i + 1, source + 1 + i, length, i * length, source, source)
end
local path = folder .. "/session.ardour"
local file = assert(io.open(path))
local xml = file:read("a")
file:close()
local function edit(pattern, by)
	local count
	xml, count = xml:gsub(pattern, by, 1)
	assert(count == 1, "another session format: no " .. pattern)
end
edit("<Sources/>", ('<Sources><Source name="speech.wav" type="audio" flags="" id="%d" channel="0"/></Sources>'):format(source))
edit("<EngineHints[^>]*/>", "") -- they name the device otherwise than the host's settings do, and it would ask
edit('id%-counter="%d+"', 'id-counter="1000000"')
edit('(<Playlist id="%d+" name="Speech"[^>]*)/>', "%1>" .. table.concat(regions) .. "</Playlist>")
edit("<Metadata/>", ('<Metadata/><Extra><UI><Window name="%s" visible="1" custom-ui="1"/></UI></Extra>'):format(window))
file = assert(io.open(path, "w"))
file:write(xml)
file:close()
os.exit(0)
