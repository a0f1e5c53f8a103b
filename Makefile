# make demo      install missing libraries, build, and show the whole workflow on generated images
# make test      build and run all tests; a test that is skipped without permission is a failure
# make fuzz      run mutated images through the decoders and mutated saved files through the programs, SECONDS each
# make lint      check format, service files, shell scripts, and that every seeded bug fits into the sources
# make boot      boot the shipped service in a container (as root); prints why if this is not possible
# make build     build a release with the Swift library linked statically
# make install   install into PREFIX (default /usr/local) below DESTDIR

SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=

# An import that Package.swift does not declare is an error. This protects the borders between the rooms.
STRICT := --explicit-target-dependency-import-check error
RELEASE := -c release --static-swift-stdlib $(STRICT)
# Tests import modules as testable, which needs a separate build. It has its own folder, so that neither build
# invalidates the other.
TESTING := -c release --scratch-path .build-tests -Xswiftc -enable-testing $(STRICT)
BIN = $(shell $(SWIFT) build $(RELEASE) --show-bin-path)

# Tests with deadlines for the daemon run separately from tests that compute, because both share Swift's
# thread pool.
KEEPING_TIME := ^(FigmentdTests|FigmentTests|ControlTests)\.

.PHONY: all build test fuzz lint boot demo install uninstall clean dependencies

all: build

dependencies:
	@Scripts/dependencies.sh

build: dependencies
	$(SWIFT) build $(RELEASE)

test: dependencies
ifdef FILTER
	Scripts/test.sh $(SWIFT) test $(TESTING) --filter $(FILTER)
else
	Scripts/test.sh $(SWIFT) test $(TESTING) --skip '$(KEEPING_TIME)'
	Scripts/test.sh $(SWIFT) test $(TESTING) --filter '$(KEEPING_TIME)'
endif

SECONDS ?= 300

# Not part of `make test`, because it runs for the given time.
fuzz: dependencies
	Tests/Fuzz/image_fuzz.sh $(SECONDS)
	SWIFT="$(SWIFT)" Tests/Fuzz/state_fuzz.sh $(SECONDS)

lint:
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests
	Scripts/check-units.sh
	Scripts/check-skipped-test.sh
	python3 -B Tests/Mutants/run.py --check

# The shipped binaries, not those of the tests. Ten minutes at most; exit code 77 means that no system can be
# booted here.
boot: build
	@timeout --kill-after=60 600 Scripts/boot-service.sh "$(BIN)" \
	  || { code=$$?; test $$code -eq 77 || exit $$code; }

demo: build
	Scripts/demo.sh "$(BIN)"

INSTALLED_UNITS := figmentd.service figmentd@.service figmentd.socket

# Units contain the full path of the binary, so PREFIX is written into them.
install:
	@test -x "$(BIN)/figmentd" || { echo "nothing is built yet: run make build first"; exit 1; }
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/share/figment/Models" \
	  "$(DESTDIR)$(PREFIX)/share/doc/figment" "$(DESTDIR)$(PREFIX)/lib/systemd/system" \
	  "$(DESTDIR)$(PREFIX)/lib/sysusers.d" "$(DESTDIR)$(PREFIX)/lib/tmpfiles.d" \
	  "$(DESTDIR)$(PREFIX)/share/bash-completion/completions" \
	  "$(DESTDIR)$(PREFIX)/share/zsh/site-functions" \
	  "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d" "$(DESTDIR)/etc/figment"
	install -m 0755 "$(BIN)/figmentd" "$(BIN)/figment" "$(DESTDIR)$(PREFIX)/bin"
	install -m 0644 Models/*.yaml $(wildcard Models/*.safetensors) "$(DESTDIR)$(PREFIX)/share/figment/Models"
	install -m 0644 Systemd/README.md "$(DESTDIR)$(PREFIX)/share/doc/figment/README.md"
	for unit in $(INSTALLED_UNITS); do \
	  sed -e 's|/usr/bin/|$(PREFIX)/bin/|' -e 's|/usr/share/|$(PREFIX)/share/|' "Systemd/$$unit" \
	    > "$(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit" || exit 1; \
	  chmod 0644 "$(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit"; \
	done
	install -m 0644 Systemd/sysusers.conf "$(DESTDIR)$(PREFIX)/lib/sysusers.d/figment.conf"
	install -m 0644 Systemd/tmpfiles.conf "$(DESTDIR)$(PREFIX)/lib/tmpfiles.d/figment.conf"
	test -e "$(DESTDIR)/etc/figment/config.yaml" \
	  || install -m 0644 Systemd/config.yaml "$(DESTDIR)/etc/figment/config.yaml"
	"$(BIN)/figment" --generate-completion-script bash \
	  > "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/figment"
	"$(BIN)/figment" --generate-completion-script zsh \
	  > "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_figment"
	"$(BIN)/figment" --generate-completion-script fish \
	  > "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/figment.fish"

# The configuration, the state and the releases stay, because they belong to the administrator.
uninstall:
	rm -f "$(DESTDIR)$(PREFIX)/bin/figmentd" "$(DESTDIR)$(PREFIX)/bin/figment"
	rm -rf "$(DESTDIR)$(PREFIX)/share/figment" "$(DESTDIR)$(PREFIX)/share/doc/figment"
	for unit in $(INSTALLED_UNITS); do \
	  rm -f "$(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit"; \
	done
	rm -f "$(DESTDIR)$(PREFIX)/lib/sysusers.d/figment.conf" \
	  "$(DESTDIR)$(PREFIX)/lib/tmpfiles.d/figment.conf" \
	  "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/figment" \
	  "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_figment" \
	  "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/figment.fish"

clean:
	rm -rf .build .build-tests
