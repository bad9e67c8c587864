package evolis

import (
	"bytes"
	"strconv"
	"strings"
)

const (
	esc = 0x1B
	cr  = '\r'
)

// next takes one order out of the input and carries it out; ok is false when there is no
// whole one.
func (m *Model) next() (answer string, ok bool) {
	i := bytes.IndexByte(m.In, esc)
	if i < 0 {
		m.In = m.In[:0] // NUL and whatever else lies between two orders
		return "", false
	}
	m.In = m.In[i:]
	if bytes.HasPrefix(m.In[1:], []byte("Db")) {
		return m.download()
	}
	end := bytes.IndexByte(m.In, cr)
	if end < 0 {
		return "", false
	}
	text := string(m.In[1:end])
	m.In = m.In[end+1:]
	m.Note(text)
	return m.order(strings.Split(text, ";")), true
}

// download takes Db;panel;levels;data and Dbc;panel;levels;bytes;data, when the data have
// come.
func (m *Model) download() (string, bool) {
	head := bytes.SplitN(m.In[1:], []byte(";"), 5)
	coded := string(head[0]) == "Dbc"
	fields := 3
	if coded {
		fields = 4
	}
	if len(head) <= fields {
		return "", false
	}
	if len(head) == 5 && !coded {
		head[3] = m.In[1+len(head[0])+len(head[1])+len(head[2])+3:]
	}
	data, n := head[fields], m.size(head, coded)
	if n < 0 {
		m.In = m.In[1:]
		return "ERROR PARAMETRES", true
	}
	if !m.told {
		m.told = true
		if t := m.Press.Receive(); t != nil || m.Press.Deaf() {
			return "", false
		}
	}
	if len(data) < n+1 {
		return "", false
	}
	name := string(bytes.Join(head[:fields], []byte(";")))
	m.Note(name)
	plane, good := decode(string(head[2]), data[:n], coded)
	m.In, m.told = data[n+1:], false
	if !good || data[n] != cr {
		return "ERROR PARAMETRES", true
	}
	m.Press.Load(m.settings.side, strings.ToUpper(string(head[1]))[0], plane)
	return "OK", true
}

// size is how long a download's data are, -1 for one that cannot be.
func (m *Model) size(head [][]byte, coded bool) int {
	bits := map[string]int{"2": 1, "32": 5, "64": 6, "128": 7}[string(head[2])]
	if bits == 0 || len(head[1]) != 1 || !strings.Contains("ymcko", string(head[1])) {
		return -1
	}
	if !coded {
		return Width * Height * bits / 8
	}
	n, err := strconv.Atoi(string(head[3]))
	if err != nil || n < 0 || n > 4*Width*Height {
		return -1
	}
	return n
}
